//! `sampan web` as a browser meets it.

use super::Bench;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// The server, which ends with the test.
struct Served {
    child: Child,
    port: u16,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves `image`; what it prints as the address to open is in the second part.
fn serve(bench: &Bench, image: &str) -> (Served, String) {
    std::fs::create_dir(bench.path().join("page")).expect("a directory");
    bench.file("page/index.html", "<p>the page</p>");
    bench.file("page/code.wasm", "\0asm");
    bench.file("secret", "secret");
    bench.file("image", "0123456789");
    let mut child = Command::new(env!("CARGO_BIN_EXE_sampan"))
        .args(["web", "--port", "0", "--page", "page", image])
        .current_dir(bench.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    let rest = line.trim().strip_prefix("http://127.0.0.1:").expect("an address");
    let (port, path) = rest.split_once('/').expect("a path");
    let port = port.parse().expect("a port");
    (Served { child, port }, format!("/{path}"))
}

/// The answer, headers and body.
fn ask(port: u16, request: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    let host = if headers.contains("Host:") { "" } else { "Host: localhost\r\n" };
    write!(stream, "{request} HTTP/1.1\r\n{host}{headers}Connection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer in text");
    answer
}

#[test]
fn serves_the_page_and_parts_of_the_image() {
    let bench = Bench::new();
    let (served, path) = serve(&bench, "image");
    assert_eq!(path, "/");
    let get = |path: &str, headers: &str| ask(served.port, &format!("GET {path}"), headers);

    let page = get("/", "");
    assert!(page.starts_with("HTTP/1.1 200") && page.ends_with("<p>the page</p>"), "{page}");
    assert!(page.contains("Cross-Origin-Embedder-Policy: require-corp"), "{page}");
    assert!(get("/code.wasm?x", "").contains("Content-Type: application/wasm"));

    let part = get("/image.ext2", "Range: bytes=2-4\r\n");
    assert!(part.starts_with("HTTP/1.1 206") && part.ends_with("\r\n\r\n234"), "{part}");
    assert!(part.contains("Content-Range: bytes 2-4/10"), "{part}");
    assert!(get("/image.ext2", "Range: bytes=8-99\r\n").ends_with("\r\n\r\n89"));
    let outside = get("/image.ext2", "Range: bytes=10-\r\n");
    assert!(outside.starts_with("HTTP/1.1 416") && outside.contains("bytes */10"), "{outside}");
    assert!(
        get("/image.ext2", "Range: bytes=1-2\r\nIf-Range: \"other\"\r\n").ends_with("0123456789")
    );

    let tag = part.lines().find_map(|line| line.strip_prefix("ETag: ")).expect("a tag");
    let same = get("/image.ext2", &format!("If-None-Match: {tag}\r\n"));
    assert!(same.starts_with("HTTP/1.1 304"), "{same}");
}

#[test]
fn serves_nothing_else() {
    let bench = Bench::new();
    let (served, _) = serve(&bench, "image");
    for path in ["/../secret", "/%2e%2e/secret", "/./../secret", "//secret", "/none", "/a\\..\\b"] {
        let answer = ask(served.port, &format!("GET {path}"), "");
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
    let foreign = ask(served.port, "GET /image.ext2", "Host: elsewhere.example\r\n");
    assert!(foreign.starts_with("HTTP/1.1 404"), "{foreign}");
    assert!(ask(served.port, "POST /", "").starts_with("HTTP/1.1 405"));
}

#[test]
fn serves_a_folder_of_chunks() {
    let bench = Bench::new();
    for folder in ["", "/chunks", "/chunks/ab", "/maps"] {
        std::fs::create_dir(bench.path().join(format!("folder{folder}"))).expect("a directory");
    }
    bench.file("folder/index.json", "{}");
    bench.file("folder/chunks/ab/abcd", "chunk");
    bench.file("folder/maps/12", "map");
    let (served, path) = serve(&bench, "folder");
    assert_eq!(path, "/?image=image/");
    let get = |path: &str| ask(served.port, &format!("GET {path}"), "");
    let index = get("/image/index.json");
    assert!(index.contains("Cache-Control: no-cache") && index.ends_with("\r\n\r\n{}"), "{index}");
    for (path, content) in [("chunks/ab/abcd", "chunk"), ("maps/12", "map")] {
        let answer = get(&format!("/image/{path}"));
        assert!(answer.contains("immutable") && answer.ends_with(content), "{answer}");
    }
    for path in ["/image", "/image/", "/image/chunks", "/image/../secret", "/image.ext2"] {
        assert!(get(path).starts_with("HTTP/1.1 404"), "{path}");
    }
}

#[test]
fn says_what_is_missing() {
    let bench = Bench::new();
    bench.file("image", "0123456789");
    let run = bench.sampan(&["web", "--page", ".", "image"]);
    assert_eq!((run.code, run.stderr.as_str()), (1, "sampan: --page .: no index.html there\n"));
    bench.file("index.html", "");
    let run = bench.sampan(&["web", "--page", ".", "none"]);
    assert!(run.code == 1 && run.stderr.starts_with("sampan: none: "), "{}", run.stderr);
    let run = bench.sampan(&["web", "--page", ".", "."]);
    assert!(run.code == 1 && run.stderr.contains("ext2"), "{}", run.stderr);
}
