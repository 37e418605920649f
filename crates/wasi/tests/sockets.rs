//! Sockets on preopened descriptors.

mod common;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};

use common::{Guest, NONBLOCK};
use sampan_wasi::{Errno, WasiCtx};

const LISTENER: u64 = 3;

fn server() -> (Guest, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let ctx = WasiCtx::builder().preopened_socket(listener).build();
    let mut guest = Guest::new(ctx.unwrap());

    guest.ok("fd_fdstat_set_flags", &[LISTENER, NONBLOCK]);
    assert_eq!(guest.call("sock_accept", &[LISTENER, 0, 0]), Errno::Again);
    guest.ok("fd_fdstat_set_flags", &[LISTENER, 0]);
    (guest, TcpStream::connect(address).unwrap())
}

fn accept(guest: &mut Guest, flags: u64) -> u64 {
    guest.ok("sock_accept", &[LISTENER, flags, 0]);
    guest.u32(0).into()
}

#[test]
fn a_connection_is_accepted_and_talked_over() {
    let (mut guest, mut peer) = server();
    assert_eq!(guest.fdstat(LISTENER).0, 6);
    let fd = accept(&mut guest, 0);
    assert_eq!(fd, 4);
    assert_eq!(guest.fdstat(fd).0, 6);
    guest.ok("fd_filestat_get", &[fd, 64]);

    // By the calls of sockets, and by those of files.
    let text = guest.put(b"hello");
    let iovs = guest.iovecs(&[(text + 1, 4), (text, 1)]);
    guest.ok("sock_send", &[fd, iovs, 2, 0, 24]);
    assert_eq!(guest.u32(24), 5);
    assert_eq!(guest.write(fd, b"!"), Ok(1));
    let mut received = [0; 6];
    peer.read_exact(&mut received).unwrap();
    assert_eq!(&received, b"elloh!");

    peer.write_all(b"abcdef").unwrap();
    let to = guest.alloc(8);
    let iovs = guest.iovecs(&[(to, 2), (to + 4, 2)]);
    let recv = |guest: &mut Guest, flags| {
        guest.mem[24..34].fill(0xFF);
        guest.ok("sock_recv", &[fd, iovs, 2, flags, 24, 32]);
        assert_eq!(guest.u16(32), 0);
        guest.u32(24)
    };
    assert_eq!(recv(&mut guest, 2), 4, "waits for all");
    assert_eq!(guest.bytes(to, 6), b"ab\0\0cd");
    assert_eq!(recv(&mut guest, 1), 2, "only looks");
    assert_eq!(guest.bytes(to, 2), b"ef");
    assert_eq!(recv(&mut guest, 0), 2);
    assert_eq!(guest.bytes(to, 2), b"ef");

    peer.write_all(b"tail").unwrap();
    peer.shutdown(Shutdown::Write).unwrap();
    assert_eq!(guest.read(fd, 3).unwrap(), b"tai");
    assert_eq!(recv(&mut guest, 2), 1, "until the end");
    assert_eq!(guest.read(fd, 3).unwrap(), b"");

    guest.ok("sock_shutdown", &[fd, 2]);
    assert_eq!(peer.read(&mut received).unwrap(), 0);
    assert_eq!(guest.write(fd, b"x"), Err(Errno::Pipe));
    assert_eq!(guest.call("sock_shutdown", &[fd, 0]), Errno::Inval);
    assert_eq!(guest.call("sock_shutdown", &[fd, 4]), Errno::Inval);
    guest.close(fd);
}

#[test]
fn waiting_can_be_declined() {
    let (mut guest, mut peer) = server();
    let fd = accept(&mut guest, NONBLOCK);
    assert_eq!(guest.fdstat(fd).1, NONBLOCK as u16);
    assert_eq!(guest.read(fd, 1), Err(Errno::Again));
    guest.ok("fd_fdstat_set_flags", &[fd, 0]);
    peer.write_all(b"x").unwrap();
    assert_eq!(guest.read(fd, 4).unwrap(), b"x");
}

#[test]
fn what_is_no_socket_says_so() {
    let (mut guest, _peer) = server();
    assert_eq!(guest.call("sock_accept", &[0, 0, 0]), Errno::NotSock);
    assert_eq!(guest.call("sock_accept", &[9, 0, 0]), Errno::Badf);
    assert_eq!(guest.call("sock_accept", &[LISTENER, 1, 0]), Errno::Inval);
    assert_eq!(guest.call("sock_recv", &[0, 0, 0, 0, 0, 8]), Errno::NotSock);
    assert_eq!(guest.call("sock_send", &[1, 0, 0, 0, 0]), Errno::NotSock);
    assert_eq!(guest.call("sock_shutdown", &[LISTENER, 1]), Errno::NotConn);
    assert_eq!(guest.read(LISTENER, 1), Err(Errno::Badf));
    let fd = accept(&mut guest, 0);
    assert_eq!(guest.call("sock_recv", &[fd, 0, 0, 4, 0, 8]), Errno::Inval);
    assert_eq!(guest.call("sock_send", &[fd, 0, 0, 1, 0]), Errno::Inval);
    assert_eq!(guest.seek(fd, 0, 0), Err(Errno::Spipe));
}

#[cfg(unix)]
#[test]
fn unix_sockets_work_alike() {
    use std::os::unix::net::{UnixListener, UnixStream};

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let ctx = WasiCtx::builder().preopened_socket(listener).build();
    let mut guest = Guest::new(ctx.unwrap());
    let mut peer = UnixStream::connect(path).unwrap();
    peer.write_all(b"hi").unwrap();
    let fd = accept(&mut guest, 0);
    assert_eq!(guest.read(fd, 4).unwrap(), b"hi");
}
