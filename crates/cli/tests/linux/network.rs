//! `--net host`: programs reach servers of this machine, under the address 10.0.2.2, and
//! nothing at all without the option.

use super::{finish, sampan};
use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};

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
fn refused_connections_say_so() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("free").port();
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
    let text = format!("exec 3<>/dev/udp/10.0.2.2/{port}; echo ping >&3; read -u 3 a; echo \"$a\"");
    assert_eq!(script(&["--net", "host"], &text).stdout, "pong\n");
    assert_eq!(answer.join().expect("the server ends"), "ping\n");
}

#[test]
fn without_the_option_there_is_no_outside() {
    let text = "(exec 3<>/dev/tcp/10.0.2.2/80) 2>&1 | grep -o 'Network is unreachable' | head -1";
    assert_eq!(script(&[], text).stdout, "Network is unreachable\n");
}
