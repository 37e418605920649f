//! `--net host`: programs reach servers of this machine, under the address 10.0.2.2, and
//! nothing at all without the option. `--publish`: this machine reaches servers of the guest.

use super::{finish, sampan};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

fn script(options: &[&str], text: &str) -> super::Seen {
    let mut command = sampan(&[options, &["/", "--", "bash", "-c", text]].concat());
    command.env_remove("BASH_ENV");
    finish(command, "")
}

#[test]
fn tcp_goes_out_and_comes_back() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = server.local_addr().expect("it is bound").port();
    let answer = std::thread::spawn(move || {
        let (mut stream, _) = server.accept().expect("someone connects");
        let mut text = String::new();
        // Up to where the program shuts its side.
        let mut byte = [0];
        while stream.read(&mut byte).expect("it can be read") == 1 && byte[0] != b'\n' {
            text.push(char::from(byte[0]));
        }
        let long = "x".repeat(300_000);
        stream.write_all(format!("got {text}\n{long}\n").as_bytes()).expect("it takes them");
        text
    });
    let text = format!(
        "exec 3<>/dev/tcp/10.0.2.2/{port}; echo hello >&3; read -u 3 a; echo \"$a\"; wc -c <&3"
    );
    let seen = script(&["--net", "host"], &text);
    assert_eq!(seen.stdout, "got hello\n300001\n");
    assert_eq!(seen.code, Some(0));
    assert_eq!(answer.join().expect("the server ends"), "hello");
}

#[test]
fn interfaces_are_shown() {
    let text = "busybox ifconfig -a | grep -o 'inet addr:[0-9.]*'; busybox route -n | tail -n +3; \
                busybox ip route get 8.8.8.8 2>/dev/null | grep -o 'src [0-9.]*'; \
                cut -d: -f1 /proc/net/dev | tail -n +3";
    let outside = script(&["--net", "host"], text).stdout;
    let words: Vec<&str> = outside.split_whitespace().collect();
    assert_eq!(
        words.join(" "),
        "inet addr:10.0.2.15 inet addr:127.0.0.1 \
         0.0.0.0 10.0.2.2 0.0.0.0 UG 0 0 0 eth0 \
         10.0.2.0 0.0.0.0 255.255.255.0 U 0 0 0 eth0 src 10.0.2.15 lo eth0"
    );
    let inside = script(&[], text).stdout;
    assert_eq!(inside.split_whitespace().collect::<Vec<_>>().join(" "), "inet addr:127.0.0.1 lo");
}

#[test]
fn refused_connections_say_so() {
    let port = free_port();
    let text =
        format!("(exec 3<>/dev/tcp/10.0.2.2/{port}) 2>&1 | grep -o 'Connection refused' | head -1");
    assert_eq!(script(&["--net", "host"], &text).stdout, "Connection refused\n");
}

#[test]
fn udp_goes_out_and_comes_back() {
    let server = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    let port = server.local_addr().expect("it is bound").port();
    let answer = std::thread::spawn(move || {
        let mut buf = [0; 100];
        let (count, from) = server.recv_from(&mut buf).expect("something comes");
        server.send_to(b"pong\n", from).expect("it can answer");
        String::from_utf8_lossy(&buf[..count]).into_owned()
    });
    // What a read of a datagram leaves is lost, so it must not go byte by byte.
    let text = format!("exec 3<>/dev/udp/10.0.2.2/{port}; echo ping >&3; head -n 1 <&3");
    assert_eq!(script(&["--net", "host"], &text).stdout, "pong\n");
    assert_eq!(answer.join().expect("the server ends"), "ping\n");
}

#[test]
fn without_the_option_there_is_no_outside() {
    let text = "(exec 3<>/dev/tcp/10.0.2.2/80) 2>&1 | grep -o 'Network is unreachable' | head -1";
    assert_eq!(script(&[], text).stdout, "Network is unreachable\n");
}

#[test]
fn files_come_from_a_server_of_python() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let content: String = (0..200_000).map(|n| format!("{n}\n")).collect();
    std::fs::write(folder.path().join("numbers"), &content).expect("a file can be written");
    let port = free_port();
    let mut server = std::process::Command::new("python3")
        .args(["-m", "http.server", "--bind", "127.0.0.1", &port.to_string()])
        .current_dir(folder.path())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("python3 is there");
    drop(connect(port));
    let text = format!(
        "import urllib.request, hashlib; \
         data = urllib.request.urlopen('http://10.0.2.2:{port}/numbers').read(); \
         print(len(data), hashlib.sha256(data).hexdigest())"
    );
    let seen = finish(sampan(&["--net", "host", "/", "--", "python3", "-c", &text]), "");
    let _ = server.kill();
    let _ = server.wait();
    let expected = "import sys, hashlib; data = sys.stdin.buffer.read(); \
                    print(len(data), hashlib.sha256(data).hexdigest())";
    let mut command = std::process::Command::new("python3");
    command.args(["-c", expected]);
    assert_eq!(seen, finish(command, &content));
}

#[test]
fn names_are_asked_for_at_the_resolver() {
    let text = "cat /etc/resolv.conf; python3 -c \
                'import socket; print(socket.gethostbyname(\"localhost\"))'";
    let seen = script(&["--net", "host"], text);
    assert_eq!(seen.stdout, "nameserver 10.0.2.3\n127.0.0.1\n");
}

#[test]
fn a_published_port_leads_into_the_guest() {
    let port = free_port();
    let text = "import socket
server = socket.create_server((\"\", 8080))
for _ in range(2):
    one, peer = server.accept()
    print(peer[0], one.getsockname())
    data = b\"\"
    while more := one.recv(65536): data += more
    one.sendall(data[::-1])
    one.close()
";
    let publish = format!("{port}:8080");
    let guest = std::thread::spawn(move || {
        finish(sampan(&["--publish", &publish, "/", "--", "python3", "-c", text]), "")
    });
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut answers = 0;
    while answers < 2 {
        assert!(Instant::now() < deadline, "the guest does not answer");
        let mut stream = connect(port);
        let sent: Vec<u8> = (0..100_000u32).map(|n| (n % 251) as u8).collect();
        // Nobody listens in the guest at first, and the connection ends at once.
        let asked =
            stream.write_all(&sent).and_then(|()| stream.shutdown(std::net::Shutdown::Write));
        let mut got = Vec::new();
        if asked.and_then(|()| stream.read_to_end(&mut got)).is_err() || got.is_empty() {
            std::thread::sleep(Duration::from_millis(50));
            continue;
        }
        assert!(got.iter().eq(sent.iter().rev()));
        answers += 1;
    }
    let seen = guest.join().expect("it ends");
    assert_eq!(seen.stdout, "10.0.2.2 ('10.0.2.15', 8080)\n".repeat(2));
    assert_eq!(seen.code, Some(0));
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    port.expect("a port is free").port()
}

/// Connects as soon as someone listens.
fn connect(port: u16) -> TcpStream {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(stream) => return stream,
            Err(error) if Instant::now() > deadline => panic!("nobody listens: {error}"),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}
