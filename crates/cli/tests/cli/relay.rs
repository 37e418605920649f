//! `sampan relay` as a page meets it.

use super::Bench;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use tungstenite::{Message, WebSocket};

/// The relay, which ends with the test.
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

const TOKEN: &str = "a token/&";

fn serve(allow: &[&str]) -> Served {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sampan"))
        .args(["relay", "--listen", "127.0.0.1:0"])
        .args(allow.iter().flat_map(|rule| ["--allow", rule]))
        .env("SAMPAN_RELAY_TOKEN", TOKEN)
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    let rest = line.trim().strip_prefix("#relay=ws://127.0.0.1:").expect("an address");
    let (port, token) = rest.split_once("/&token=").expect("a token");
    assert_eq!(token, "a%20token%2F%26");
    Served { child, port: port.parse().expect("a port") }
}

/// Asks for something: the answer, and what it came on.
fn ask(served: &Served, what: Value) -> (Value, WebSocket<TcpStream>) {
    let stream = TcpStream::connect(("127.0.0.1", served.port)).expect("it listens");
    let url = format!("ws://127.0.0.1:{}/", served.port);
    let (mut socket, _) = tungstenite::client(url, stream).expect("a WebSocket");
    socket.send(Message::text(what.to_string())).expect("sent");
    (text(&mut socket), socket)
}

fn text(socket: &mut WebSocket<TcpStream>) -> Value {
    let message = socket.read().expect("an answer");
    serde_json::from_str(message.to_text().expect("a text")).expect("JSON")
}

#[test]
fn refuses_without_the_token_and_what_is_not_allowed() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let here = listener.local_addr().expect("bound");
    let served = serve(&["localhost", "192.0.2.0/24:80", &format!("127.0.0.1:{}", here.port())]);
    let failed = |what: Value| ask(&served, what).0["failed"].as_u64();
    let with = |key: &str, value: &str| json!({ "token": TOKEN, key: value });
    let connect = here.to_string();
    for token in [json!(""), json!("a token"), json!(1), Value::Null] {
        assert_eq!(failed(json!({ "token": token, "connect": connect })), Some(13), "{token}");
    }
    let (answer, _open) = ask(&served, with("connect", &connect));
    assert_eq!(answer, json!({ "opened": true }));
    // The host of the relay, as machines call it.
    let (answer, _open) = ask(&served, with("connect", &format!("10.0.2.2:{}", here.port())));
    assert_eq!(answer, json!({ "opened": true }));
    for other in
        ["127.0.0.1:1", "10.0.2.2:1", "192.0.2.1:81", "8.8.8.8:53", "[::1]:80", "0.0.0.0:80"]
    {
        assert_eq!(failed(with("connect", other)), Some(13), "{other}");
    }
    for bad in ["localhost:80", "127.0.0.1", "", "127.0.0.1:99999"] {
        assert_eq!(failed(with("connect", bad)), Some(22), "{bad}");
    }
    assert_eq!(failed(json!({ "token": TOKEN })), Some(22));
    // A name leads to what is not public only where a rule has its number.
    assert_eq!(ask(&served, with("resolve", "LocalHost.")).0, json!({ "addresses": ["10.0.2.2"] }));
    for name in ["example.org", "", "a b", "..", &"a".repeat(300)] {
        assert_eq!(failed(with("resolve", name)), Some(13), "{name}");
    }
    drop(listener);
    assert_eq!(failed(with("connect", &connect)), Some(111));
}

#[test]
fn carries_bytes_both_ways_with_a_bound() {
    const COUNT: usize = 1 << 20;
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let here = listener.local_addr().expect("bound");
    let served = serve(&["127.0.0.1"]);
    let (answer, mut socket) = ask(&served, json!({ "token": TOKEN, "connect": here.to_string() }));
    assert_eq!(answer, json!({ "opened": true }));
    let (mut peer, _) = listener.accept().expect("it came");

    socket.send(Message::binary(b"hello".to_vec())).expect("sent");
    let mut bytes = [0; 5];
    peer.read_exact(&mut bytes).expect("it came");
    assert_eq!(&bytes, b"hello");
    assert_eq!(text(&mut socket), json!({ "taken": 5 }));

    let all: Vec<u8> = (0..COUNT).map(|at| ((at * 7) >> 3) as u8).collect();
    let expected = all.clone();
    let writer = std::thread::spawn(move || {
        peer.write_all(&all).expect("taken");
        peer.shutdown(Shutdown::Write).expect("open");
        let mut rest = Vec::new();
        peer.read_to_end(&mut rest).expect("an end");
        rest
    });
    let mut came = Vec::new();
    let mut unpaid = 0;
    loop {
        match socket.read().expect("a message") {
            Message::Binary(bytes) => {
                came.extend_from_slice(&bytes);
                unpaid += bytes.len();
                assert!(unpaid <= 256 << 10, "{unpaid} bytes that were not taken");
                if unpaid == 256 << 10 {
                    let taken = json!({ "taken": unpaid });
                    socket.send(Message::text(taken.to_string())).expect("sent");
                    unpaid = 0;
                }
            }
            Message::Text(text) => {
                assert_eq!(text.as_str(), r#"{"end":true}"#);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(came == expected);
    socket.send(Message::binary(b"last".to_vec())).expect("sent");
    socket.send(Message::text(r#"{"end":true}"#)).expect("sent");
    assert_eq!(writer.join().expect("it ended"), b"last");
}

#[test]
fn web_names_the_relay_to_its_page() {
    let bench = Bench::new();
    bench.file("index.html", "");
    bench.file("image", "0123456789");
    let run = bench.sampan(&["web", "--page", ".", "--allow", "no name", "image"]);
    assert!(run.code != 0 && run.stderr.contains("neither a name"), "{}", run.stderr);
    let run = bench.sampan(&["relay"]);
    assert!(run.code != 0 && run.stderr.contains("--allow"), "{}", run.stderr);
}
