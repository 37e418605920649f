//! `sampan relay`: connections by TCP and names for machines in browsers, which have no sockets.
//!
//! Each connection is a WebSocket of its own. The first message, a text with JSON as all texts
//! are, has the token and what is wanted: `{"token": T, "connect": "192.0.2.1:80"}` or
//! `{"token": T, "resolve": "example.org"}`. The answer is `{"addresses": ["192.0.2.1"]}`,
//! `{"failed": ERRNO}` with Linux's number, or `{"opened": true}`. Then binary messages are the
//! bytes of the connection, `{"taken": N}` says that so many of them have gone on, and
//! `{"end": true}` that no more come. Neither side sends more than [`WINDOW`] bytes that were not
//! taken: browsers would collect them without a bound.

mod allow;
mod carry;

pub use allow::Rule;

use crate::args::Relay as Args;
use crate::linux::network::errno;
use crate::report::{self, Exit};
use allow::Allowed;
use carry::Shared;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Message, WebSocket};

/// Bytes on the way to the other side that it has not taken.
const WINDOW: usize = 256 << 10;
/// Connections at a time.
const MAX_CONNECTIONS: usize = 256;
/// How long a client may take to say what it wants.
const HELLO_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// What machines call the host of the relay.
const GATEWAY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 2, 2));
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Linux's numbers.
const ENOENT: u16 = 2;
const EACCES: u16 = 13;
const EINVAL: u16 = 22;

type Socket = WebSocket<Shared>;

/// Serves until the process is ended.
pub fn relay(args: &Args) -> Exit {
    match Relay::bind(args.listen, args.allow.clone()) {
        Ok(relay) => {
            let exit = report::print(format!("{}\n", relay.fragment()).as_bytes());
            if exit == Exit::Success {
                relay.serve();
            }
            exit
        }
        Err(text) => {
            report::message(text);
            Exit::BadInput
        }
    }
}

/// A relay that listens.
pub struct Relay {
    listener: TcpListener,
    address: SocketAddr,
    allowed: Allowed,
    token: String,
}

impl Relay {
    pub fn bind(address: SocketAddr, rules: Vec<Rule>) -> Result<Relay, String> {
        let listener = TcpListener::bind(address).map_err(|error| format!("{address}: {error}"))?;
        let address = listener.local_addr().map_err(|error| format!("{address}: {error}"))?;
        let token = match std::env::var("SAMPAN_RELAY_TOKEN") {
            Ok(token) if !token.is_empty() => token,
            _ => random_token()?,
        };
        Ok(Relay { listener, address, allowed: Allowed::new(rules), token })
    }

    /// What is put behind the page's address, so that its machine uses this relay.
    pub fn fragment(&self) -> String {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        let escape = |byte: u8| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        };
        let token: String = self.token.bytes().map(escape).collect();
        format!("#relay=ws://{}/&token={token}", self.address)
    }

    /// Takes connections for ever.
    pub fn serve(self) {
        let relay = Arc::new(self);
        let open = Arc::new(AtomicUsize::new(0));
        for stream in relay.listener.incoming() {
            // An error is that of a connection that is gone already, or passes.
            let Ok(stream) = stream else {
                std::thread::sleep(Duration::from_millis(10));
                continue;
            };
            if open.fetch_add(1, Ordering::Relaxed) >= MAX_CONNECTIONS {
                open.fetch_sub(1, Ordering::Relaxed);
                continue;
            }
            let (relay, counted) = (relay.clone(), open.clone());
            let serve = move || {
                // Whatever ends a connection concerns its client alone, who sees that it ended.
                let _ = relay.serve_one(stream);
                counted.fetch_sub(1, Ordering::Relaxed);
            };
            if std::thread::Builder::new().name("relay".into()).spawn(serve).is_err() {
                open.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    fn serve_one(&self, stream: TcpStream) -> Result<(), tungstenite::Error> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(HELLO_TIMEOUT))?;
        stream.set_write_timeout(Some(HELLO_TIMEOUT))?;
        let shared = Shared::new(stream);
        let config = config();
        let Ok(mut socket) = tungstenite::accept_with_config(shared.clone(), Some(config)) else {
            return Ok(());
        };
        let hello: Value = match socket.read()? {
            Message::Text(text) => serde_json::from_str(&text).unwrap_or_default(),
            _ => Value::Null,
        };
        let answer = if !self.knows(hello["token"].as_str().unwrap_or_default()) {
            json!({ "failed": EACCES, "message": "the relay's token is another" })
        } else if let Some(name) = hello["resolve"].as_str() {
            self.resolve(name)
        } else if let Some(to) = hello["connect"].as_str() {
            match self.connect(to) {
                Ok(target) => {
                    shared.stream().set_read_timeout(None)?;
                    shared.stream().set_write_timeout(None)?;
                    tell(&mut socket, &json!({ "opened": true }))?;
                    return carry::carry(socket, &shared, &target);
                }
                Err(answer) => answer,
            }
        } else {
            json!({ "failed": EINVAL, "message": "neither connect nor resolve" })
        };
        tell(&mut socket, &answer)?;
        socket.close(None)?;
        // Until the client has closed its side, or the time is over.
        while socket.read().is_ok() {}
        Ok(())
    }

    /// In the same time whatever is in it.
    fn knows(&self, token: &str) -> bool {
        Sha256::digest(token) == Sha256::digest(&self.token)
    }

    fn resolve(&self, name: &str) -> Value {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        if !allow::is_name(&name) || !self.allowed.may_ask(&name) {
            return json!({ "failed": EACCES, "message": format!("{name} is not allowed") });
        }
        let Ok(found) = (name.as_str(), 0).to_socket_addrs() else {
            return json!({ "failed": ENOENT, "message": format!("{name} has no address") });
        };
        let mut addresses = self.allowed.learn(&name, found.map(|address| address.ip()).collect());
        for address in &mut addresses {
            if *address == LOOPBACK {
                // For the machine its own is itself.
                *address = GATEWAY;
            }
        }
        if addresses.is_empty() {
            return json!({ "failed": EACCES, "message": format!("{name} has no address that is allowed") });
        }
        json!({ "addresses": addresses.iter().map(IpAddr::to_string).collect::<Vec<_>>() })
    }

    fn connect(&self, to: &str) -> Result<TcpStream, Value> {
        let Ok(mut address) = to.parse::<SocketAddr>() else {
            return Err(json!({ "failed": EINVAL, "message": "not an address with a port" }));
        };
        address.set_ip(address.ip().to_canonical());
        if address.ip() == GATEWAY {
            address.set_ip(LOOPBACK);
        }
        if !self.allowed.may_reach(address) {
            return Err(
                json!({ "failed": EACCES, "message": format!("{address} is not allowed") }),
            );
        }
        TcpStream::connect_timeout(&address, CONNECT_TIMEOUT)
            .and_then(|stream| stream.set_nodelay(true).map(|()| stream))
            .map_err(|error| json!({ "failed": errno(error).0, "message": format!("{address} did not answer") }))
    }
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(32 << 10)
        .write_buffer_size(0)
        .max_message_size(Some(WINDOW))
        .max_frame_size(Some(WINDOW))
}

/// Sends a text.
fn tell(socket: &mut Socket, value: &Value) -> Result<(), tungstenite::Error> {
    socket.send(Message::text(value.to_string()))
}

fn random_token() -> Result<String, String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| format!("no randomness for a token: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
