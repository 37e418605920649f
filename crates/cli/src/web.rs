//! `sampan web`: serves the page that shows Linux in a browser's tab, and a disk image for it,
//! to this machine alone. Any web server for static files does as well; where the image is one
//! file, it has to answer range requests.

mod range;

use crate::args::Web;
use crate::relay::Relay;
use crate::report::{self, Exit};
use range::parse_range;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tiny_http::{Header, Request, Response, Server, StatusCode};

/// Requests that are answered at a time: what a browser asks of one server at most.
const THREADS: usize = 6;
/// Where the page looks for its image.
const IMAGE: &str = "/image.ext2";
/// Where an image in chunks is.
const CHUNKS: &str = "image";

/// Serves until the process is ended.
pub fn web(args: &Web) -> Exit {
    let site = match Site::open(args) {
        Ok(site) => site,
        Err(text) => {
            report::message(text);
            return Exit::BadInput;
        }
    };
    let server = match Server::http(SocketAddr::from((Ipv4Addr::LOCALHOST, args.port))) {
        Ok(server) => server,
        Err(error) => {
            report::message(format_args!("port {}: {error}", args.port));
            return Exit::BadInput;
        }
    };
    let query = if site.is_chunks { "?image=image/" } else { "" };
    let mut fragment = String::new();
    if !args.allow.is_empty() {
        match Relay::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), args.allow.clone()) {
            Ok(relay) => {
                fragment = relay.fragment();
                std::thread::spawn(|| relay.serve());
            }
            Err(text) => {
                report::message(text);
                return Exit::BadInput;
            }
        }
    }
    let address = server.server_addr();
    let exit = report::print(format!("http://{address}/{query}{fragment}\n").as_bytes());
    if exit != Exit::Success {
        return exit;
    }
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for request in server.incoming_requests() {
                    site.answer(request);
                }
            });
        }
    });
    Exit::Success
}

struct Site {
    page: PathBuf,
    image: PathBuf,
    /// Whether that is a folder, as `sampan image chunk` makes it.
    is_chunks: bool,
}

impl Site {
    fn open(args: &Web) -> Result<Site, String> {
        let page = match &args.page {
            Some(page) if page.join("index.html").is_file() => page.clone(),
            Some(page) => return Err(format!("--page {}: no index.html there", page.display())),
            None => find_page().ok_or(
                "the page was not found; `cargo xtask web` in sampan's sources builds it in \
                 web/page/dist, which --page takes",
            )?,
        };
        let shown = args.image.display();
        let image = File::open(&args.image).map_err(|error| format!("{shown}: {error}"))?;
        let is_chunks = args.image.join("index.json").is_file();
        if !is_chunks && !image.metadata().is_ok_and(|file| file.is_file()) {
            return Err(format!(
                "{shown}: neither a file with an ext2 file system nor a folder that \
                 `sampan image chunk` made"
            ));
        }
        Ok(Site { page, image: args.image.clone(), is_chunks })
    }

    fn answer(&self, request: Request) {
        let path = request.url().split(['?', '#']).next().unwrap_or_default();
        let known = is_for_us(&request).then(|| self.find(path)).flatten();
        // Where the browser has gone, there is nobody to tell.
        let _ = match known {
            _ if !matches!(request.method().as_str(), "GET" | "HEAD") => refuse(request, 405),
            None => refuse(request, 404),
            Some((file, lifetime)) => match File::open(&file) {
                Ok(open) => send(request, open, &file, lifetime),
                Err(_) => refuse(request, 404),
            },
        };
    }

    /// The file for a path of the server. Names need no escapes.
    fn find(&self, path: &str) -> Option<(PathBuf, Lifetime)> {
        match path {
            IMAGE if !self.is_chunks => return Some((self.image.clone(), Lifetime::Asked)),
            "/" => return Some((self.page.join("index.html"), Lifetime::Asked)),
            _ => {}
        }
        let plain = |name: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            !name.is_empty() && !name.starts_with('.') && name.bytes().all(allowed)
        };
        let names = path.strip_prefix('/')?;
        if !names.split('/').all(plain) {
            return None;
        }
        let (first, rest) = names.split_once('/').unwrap_or((names, ""));
        let (folder, name) = match first {
            CHUNKS if self.is_chunks => (&self.image, rest),
            _ => (&self.page, names),
        };
        // These are named by their content.
        let is_fixed = match first {
            CHUNKS => rest.starts_with("chunks/") || rest.starts_with("maps/"),
            _ => first == "assets",
        };
        let lifetime = if is_fixed { Lifetime::Fixed } else { Lifetime::Asked };
        Some((folder.join(name), lifetime))
    }
}

/// How long a browser may take a file for what it was.
#[derive(Clone, Copy)]
enum Lifetime {
    /// It asks anew each time, and is told by the tag that nothing changed.
    Asked,
    Fixed,
}

impl Lifetime {
    fn cache_control(self) -> &'static str {
        match self {
            Lifetime::Asked => "no-cache",
            Lifetime::Fixed => "max-age=31536000, immutable",
        }
    }
}

/// Beside the program as it is installed, or above it where it was built.
fn find_page() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let places = program
        .ancestors()
        .skip(1)
        .flat_map(|folder| ["share/sampan/page", "web/page/dist"].map(|place| folder.join(place)));
    places.into_iter().find(|place| place.join("index.html").is_file())
}

/// Whether a request names this machine as the server. Another name would be a foreign page's
/// that was made to lead here, to read what is served.
fn is_for_us(request: &Request) -> bool {
    let host = field(request, "Host").unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name == "localhost" || name == "127.0.0.1"
}

fn field<'a>(request: &'a Request, name: &'static str) -> Option<&'a str> {
    let found = request.headers().iter().find(|header| header.field.equiv(name))?;
    Some(found.value.as_str())
}

fn send(request: Request, mut file: File, path: &Path, lifetime: Lifetime) -> std::io::Result<()> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return refuse(request, 404);
    }
    let size = metadata.len();
    let since = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).ok();
    let changed = metadata.modified().ok().and_then(since).unwrap_or_default().as_nanos();
    let tag = format!("\"{size:x}-{changed:x}\"");
    let wanted = match field(&request, "If-Range") {
        Some(known) if known != tag => None,
        _ => field(&request, "Range").and_then(parse_range),
    };
    let part = match wanted.map(|range| range.within(size)) {
        None => None,
        Some(Some(part)) => Some(part),
        Some(None) => {
            let response = Response::empty(416)
                .with_header(header("Content-Range", &format!("bytes */{size}")));
            return request.respond(response);
        }
    };
    let (start, length) = part.unwrap_or((0, size));
    file.seek(SeekFrom::Start(start))?;
    let mut headers = vec![
        header("Content-Type", content_type(path)),
        header("Accept-Ranges", "bytes"),
        header("ETag", &tag),
        header("Cache-Control", lifetime.cache_control()),
        header("X-Content-Type-Options", "nosniff"),
        // What a page needs to share memory with its workers.
        header("Cross-Origin-Opener-Policy", "same-origin"),
        header("Cross-Origin-Embedder-Policy", "require-corp"),
        header("Cross-Origin-Resource-Policy", "same-origin"),
    ];
    if part.is_none() && field(&request, "If-None-Match") == Some(&tag) {
        return request.respond(Response::new(
            StatusCode(304),
            headers,
            std::io::empty(),
            Some(0),
            None,
        ));
    }
    if part.is_some() {
        let range = format!("bytes {start}-{}/{size}", start + length - 1);
        headers.push(header("Content-Range", &range));
    }
    let status = StatusCode(if part.is_some() { 206 } else { 200 });
    let length = usize::try_from(length).ok();
    // Never in chunks: whoever reads a disk wants to know the length.
    let body = file.take(length.unwrap_or_default() as u64);
    let response =
        Response::new(status, headers, body, length, None).with_chunked_threshold(usize::MAX);
    request.respond(response)
}

fn refuse(request: Request, status: u16) -> std::io::Result<()> {
    request.respond(Response::empty(status))
}

fn header(name: &str, value: &str) -> Header {
    Header::from_bytes(name, value).expect("names and values are ASCII")
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    }
}
