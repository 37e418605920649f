//! `sampan web`: serves the page that shows Linux in a browser's tab, and a disk image for it,
//! to this machine alone. Any web server for static files that answers range requests does as
//! well.

use crate::args::Web;
use crate::report::{self, Exit};
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
    let exit = report::print(format!("http://{}/\n", server.server_addr()).as_bytes());
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
        if !image.metadata().is_ok_and(|file| file.is_file()) {
            return Err(format!(
                "{shown}: not a file; an image with an ext2 file system is needed"
            ));
        }
        Ok(Site { page, image: args.image.clone() })
    }

    fn answer(&self, request: Request) {
        let path = request.url().split(['?', '#']).next().unwrap_or_default();
        let known = is_for_us(&request).then(|| self.find(path)).flatten();
        // Where the browser has gone, there is nobody to tell.
        let _ = match known {
            _ if !matches!(request.method().as_str(), "GET" | "HEAD") => refuse(request, 405),
            None => refuse(request, 404),
            Some(file) => match File::open(&file) {
                Ok(open) => send(request, open, &file),
                Err(_) => refuse(request, 404),
            },
        };
    }

    /// The file for a path of the server. Names of the page need no escapes.
    fn find(&self, path: &str) -> Option<PathBuf> {
        match path {
            IMAGE => return Some(self.image.clone()),
            "/" => return Some(self.page.join("index.html")),
            _ => {}
        }
        let plain = |name: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            !name.is_empty() && !name.starts_with('.') && name.bytes().all(allowed)
        };
        let names = path.strip_prefix('/')?;
        names.split('/').all(plain).then(|| self.page.join(names))
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

fn send(request: Request, mut file: File, path: &Path) -> std::io::Result<()> {
    let metadata = file.metadata()?;
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
        // Asked for anew each time, and then told by the tag that nothing changed.
        header("Cache-Control", "no-cache"),
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

/// What `Range` asks for (RFC 9110, section 14.1.2).
#[derive(Clone, Copy, Debug, PartialEq)]
enum Range {
    /// From one byte to another, or to the end.
    From(u64, Option<u64>),
    /// So many bytes of the end.
    Last(u64),
}

impl Range {
    /// Where it starts in a file of this size, and how long it is; none if it is outside.
    fn within(self, size: u64) -> Option<(u64, u64)> {
        let (start, end) = match self {
            Range::From(start, end) => (start, end.map_or(size, |last| last.saturating_add(1))),
            Range::Last(count) => (size.saturating_sub(count), size),
        };
        let end = end.min(size);
        (start < end).then(|| (start, end - start))
    }
}

/// One range; none of what is malformed or has several, which a server may ignore.
fn parse_range(text: &str) -> Option<Range> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    match (first, last) {
        ("", last) => Some(Range::Last(last.parse().ok()?)),
        (first, "") => Some(Range::From(first.parse().ok()?, None)),
        (first, last) => {
            let (first, last) = (first.parse().ok()?, last.parse().ok()?);
            (first <= last).then_some(Range::From(first, Some(last)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Range, parse_range};

    #[test]
    fn ranges() {
        assert_eq!(parse_range("bytes=0-9"), Some(Range::From(0, Some(9))));
        assert_eq!(parse_range("bytes=5-"), Some(Range::From(5, None)));
        assert_eq!(parse_range("bytes=-5"), Some(Range::Last(5)));
        for bad in ["bytes=9-0", "bytes=0-1,3-4", "lines=0-9", "bytes=", "bytes=-", "bytes=a-b"] {
            assert_eq!(parse_range(bad), None, "{bad}");
        }
        assert_eq!(Range::From(5, Some(u64::MAX)).within(10), Some((5, 5)));
        assert_eq!(Range::From(10, None).within(10), None);
        assert_eq!(Range::Last(20).within(10), Some((0, 10)));
        assert_eq!(Range::Last(0).within(10), None);
    }
}
