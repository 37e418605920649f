//! Bytes between a WebSocket and a connection, both ways: a thread each.

use super::{Socket, WINDOW, config, tell};
use serde_json::{Value, json};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use tungstenite::protocol::Role;
use tungstenite::{Error, Message, WebSocket};

/// Bytes that are read from the connection at a time.
const CHUNK: usize = 64 << 10;
/// Linux's number.
const ECONNRESET: u16 = 104;

/// A stream that two threads have. What each writes at a time, a whole frame, stays together.
#[derive(Clone)]
pub struct Shared(Arc<(TcpStream, Mutex<()>)>);

impl Shared {
    pub fn new(stream: TcpStream) -> Shared {
        Shared(Arc::new((stream, Mutex::new(()))))
    }

    pub fn stream(&self) -> &TcpStream {
        &self.0.0
    }
}

impl Read for Shared {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.stream().read(buf)
    }
}

impl Write for Shared {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let _alone = self.0.1.lock().expect("no thread panics");
        self.stream().write_all(buf).map(|()| buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream().flush()
    }
}

/// How much may be sent to the client; none once it is gone.
struct Room {
    bytes: Mutex<Option<usize>>,
    changed: Condvar,
}

impl Room {
    fn change(&self, change: impl FnOnce(&mut Option<usize>)) {
        change(&mut self.bytes.lock().expect("no thread panics"));
        self.changed.notify_all();
    }

    /// Waits until there is some, and takes at most so much of it.
    fn take(&self, most: usize) -> Option<usize> {
        let mut bytes = self.bytes.lock().expect("no thread panics");
        while *bytes == Some(0) {
            bytes = self.changed.wait(bytes).expect("no thread panics");
        }
        let all = bytes.as_mut()?;
        let taken = most.min(*all);
        *all -= taken;
        Some(taken)
    }
}

/// Carries until one side is gone, or the client has closed.
pub fn carry(mut socket: Socket, shared: &Shared, target: &TcpStream) -> Result<(), Error> {
    let room = Room { bytes: Mutex::new(Some(WINDOW)), changed: Condvar::new() };
    std::thread::scope(|scope| {
        let sender = WebSocket::from_raw_socket(shared.clone(), Role::Server, Some(config()));
        scope.spawn(|| {
            if to_client(sender, target, &room).is_err() {
                // What the client sends has nowhere to go any more.
                let _ = shared.stream().shutdown(Shutdown::Both);
            }
        });
        let result = to_target(&mut socket, target, &room);
        room.change(|bytes| *bytes = None);
        // It may be closed already.
        let _ = target.shutdown(Shutdown::Both);
        let _ = shared.stream().shutdown(Shutdown::Both);
        result
    })
}

/// Until the client closes.
fn to_target(socket: &mut Socket, mut target: &TcpStream, room: &Room) -> Result<(), Error> {
    loop {
        match socket.read() {
            Ok(Message::Binary(bytes)) => {
                if target.write_all(&bytes).is_err() {
                    return tell(socket, &json!({ "failed": ECONNRESET }));
                }
                tell(socket, &json!({ "taken": bytes.len() }))?;
            }
            Ok(Message::Text(text)) => {
                let value: Value = serde_json::from_str(&text).unwrap_or_default();
                if let Some(taken) = value["taken"].as_u64() {
                    // More than was sent can't have been taken.
                    let add =
                        |bytes: usize| (bytes as u64).saturating_add(taken).min(WINDOW as u64);
                    room.change(|bytes| *bytes = bytes.map(|bytes| add(bytes) as usize));
                }
                if value["end"] == true {
                    let _ = target.shutdown(Shutdown::Write);
                }
            }
            Ok(Message::Close(_)) | Err(Error::ConnectionClosed) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Until the connection's end.
fn to_client(mut sender: Socket, mut target: &TcpStream, room: &Room) -> Result<(), Error> {
    let mut buf = vec![0; CHUNK];
    while let Some(most) = room.take(CHUNK) {
        match target.read(&mut buf[..most]) {
            Ok(0) => return tell(&mut sender, &json!({ "end": true })),
            Ok(count) => {
                room.change(|bytes| *bytes = bytes.map(|bytes| bytes + most - count));
                sender.send(Message::binary(buf[..count].to_vec()))?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                room.change(|bytes| *bytes = bytes.map(|bytes| bytes + most));
            }
            Err(error) => {
                tell(&mut sender, &json!({ "failed": ECONNRESET }))?;
                return Err(error.into());
            }
        }
    }
    Ok(())
}
