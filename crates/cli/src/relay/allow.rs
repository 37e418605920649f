//! What a relay's machines may reach: rules, and the addresses of names that were asked for.
//!
//! A name, and `*`, never lead to addresses that are not public, whatever the name resolves to:
//! who owns a name must not choose what is reached in the relay's own network. Such addresses
//! are reached where a rule names them by their number.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Mutex;

/// Addresses of names that are remembered; then they have to be asked for again.
const MAX_KNOWN: usize = 4096;

/// One `--allow`: what, and at which port, if not at all.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    what: What,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq)]
enum What {
    /// Everything that is public.
    Any,
    Name(String),
    /// All names that end so, with the dot before.
    Below(String),
    /// The network of an address: so many bits of it count.
    Network(IpAddr, u8),
}

impl FromStr for Rule {
    type Err = String;

    /// `*`, `NAME`, `*.NAME`, `ADDRESS` or `ADDRESS/BITS`, each with `:PORT` or without; of
    /// addresses with colons, in brackets then.
    fn from_str(text: &str) -> Result<Rule, String> {
        let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, rest)) => {
                let port = rest.strip_prefix(':').ok_or_else(|| format!("{rest}: not a port"))?;
                (host, Some(port))
            }
            None => match text.split_once(':') {
                Some((host, port)) if !port.contains(':') => (host, Some(port)),
                _ => (text, None),
            },
        };
        let port = port.map(|port| port.parse().map_err(|_| format!("{port}: not a port")));
        let what = match host {
            "*" => What::Any,
            _ => network(host).or_else(|| name(host)).ok_or_else(|| {
                format!("{host}: neither a name, nor an address, nor ADDRESS/BITS, nor *")
            })?,
        };
        Ok(Rule { what, port: port.transpose()? })
    }
}

fn network(host: &str) -> Option<What> {
    let (address, bits) = host.split_once('/').map_or((host, None), |(a, bits)| (a, Some(bits)));
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Some(most), |bits| bits.parse().ok())?;
    (bits <= most).then_some(What::Network(address, bits))
}

fn name(host: &str) -> Option<What> {
    let lower = host.to_ascii_lowercase();
    match lower.strip_prefix('*') {
        Some(end) => is_name(end.strip_prefix('.')?).then(|| What::Below(end.to_string())),
        None => is_name(&lower).then_some(What::Name(lower)),
    }
}

/// Whether a text is a name as resolvers take it, in small letters.
pub fn is_name(text: &str) -> bool {
    let label = |label: &str| {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
        (1..=63).contains(&label.len()) && label.bytes().all(plain)
    };
    text.len() <= 253 && text.split('.').all(label)
}

/// All rules, and what is known of names.
pub struct Allowed {
    rules: Vec<Rule>,
    /// By address: the places of rules whose names had it.
    known: Mutex<HashMap<IpAddr, Vec<usize>>>,
}

impl Allowed {
    pub fn new(rules: Vec<Rule>) -> Allowed {
        Allowed { rules, known: Mutex::default() }
    }

    /// Whether any rule is for this name, which is in small letters.
    pub fn may_ask(&self, name: &str) -> bool {
        self.rules.iter().any(|rule| rule.is_for(name))
    }

    /// Of the addresses of a name those that may be reached at some port, from now on.
    pub fn learn(&self, name: &str, addresses: Vec<IpAddr>) -> Vec<IpAddr> {
        let rules: Vec<usize> =
            (0..self.rules.len()).filter(|&at| self.rules[at].is_for(name)).collect();
        let mut known = self.known.lock().expect("no thread panics");
        let mut kept = Vec::new();
        for address in addresses.into_iter().map(|address| address.to_canonical()) {
            if is_public(address) && !rules.is_empty() {
                if known.len() >= MAX_KNOWN {
                    known.clear();
                }
                let of_address = known.entry(address).or_default();
                of_address.extend(rules.iter().copied());
                of_address.sort_unstable();
                of_address.dedup();
                kept.push(address);
            } else if self.rules.iter().any(|rule| rule.contains(address)) {
                kept.push(address);
            }
        }
        kept
    }

    /// Whether this may be connected to.
    pub fn may_reach(&self, to: SocketAddr) -> bool {
        let address = to.ip().to_canonical();
        let known = self.known.lock().expect("no thread panics");
        let of_names = known.get(&address).map_or(&[][..], Vec::as_slice);
        self.rules.iter().enumerate().any(|(at, rule)| {
            let fits = match rule.what {
                What::Any => is_public(address),
                What::Network(..) => rule.contains(address),
                _ => is_public(address) && of_names.contains(&at),
            };
            fits && rule.port.is_none_or(|port| port == to.port())
        })
    }
}

impl Rule {
    fn is_for(&self, name: &str) -> bool {
        match &self.what {
            What::Any => true,
            What::Name(own) => own == name,
            What::Below(end) => name.ends_with(end.as_str()),
            What::Network(..) => false,
        }
    }

    fn contains(&self, address: IpAddr) -> bool {
        let What::Network(network, bits) = self.what else { return false };
        let (network, address, width) = match (network, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                (u128::from(network.to_bits()), u128::from(address.to_bits()), 32)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                (network.to_bits(), address.to_bits(), 128)
            }
            _ => return false,
        };
        (network ^ address).checked_shr(width - u32::from(bits)).unwrap_or(0) == 0
    }
}

/// Whether an address is one of the public network (the registries of special addresses that
/// RFC 6890 began).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    !(v4.is_private()
        || v4.is_loopback()
        || v4.is_link_local()
        || v4.is_multicast()
        || v4.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && b & 0xc0 == 64)
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && b & 0xfe == 18))
}

/// Global unicast, but for addresses that stand for others: those of Teredo, 6to4 and of
/// documentation.
fn is_public_v6(v6: Ipv6Addr) -> bool {
    let [a, b, ..] = v6.segments();
    a & 0xe000 == 0x2000
        && a != 0x2002
        && !(a == 0x2001 && (b < 0x200 || b == 0xdb8))
        && a != 0x3fff
}

#[cfg(test)]
mod tests {
    use super::{Allowed, Rule, is_public};
    use std::net::{IpAddr, SocketAddr};

    fn allowed(rules: &[&str]) -> Allowed {
        Allowed::new(rules.iter().map(|rule| rule.parse().expect("a rule")).collect())
    }

    fn to(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn rules_are_read() {
        for good in [
            "*",
            "*:443",
            "example.org",
            "*.example.org:80",
            "10.0.0.0/8",
            "10.0.0.1:22",
            "::1",
            "[::1]:80",
            "[2001:db8::/32]:1",
            "fe80::/10",
        ] {
            assert!(good.parse::<Rule>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "*x",
            "*.",
            "a b",
            "10.0.0.0/33",
            "::/129",
            "host:port",
            "host:99999",
            "[::1]80x",
            "a..b",
        ] {
            assert!(bad.parse::<Rule>().is_err(), "{bad}");
        }
    }

    #[test]
    fn addresses_by_number() {
        let allowed = allowed(&["10.1.0.0/16:80", "127.0.0.1", "[fd00::/8]:22", "0.0.0.0/0:7"]);
        for good in [
            "10.1.255.255:80",
            "127.0.0.1:9999",
            "[fd12::1]:22",
            "8.8.8.8:7",
            "[::ffff:10.1.2.3]:80",
        ] {
            assert!(allowed.may_reach(to(good)), "{good}");
        }
        for bad in [
            "10.1.0.1:81",
            "10.2.0.1:80",
            "127.0.0.2:80",
            "[fd12::1]:23",
            "[::1]:9999",
            "8.8.8.8:8",
        ] {
            assert!(!allowed.may_reach(to(bad)), "{bad}");
        }
    }

    #[test]
    fn what_is_private_is_not_reached_by_a_name() {
        let private = [
            "127.0.0.1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "2002:7f00:1::",
            "64:ff9b::7f00:1",
            "2001:0:1::",
        ];
        let any = allowed(&["*"]);
        for address in private {
            let address = ip(address).to_canonical();
            assert!(!is_public(address), "{address}");
            assert!(!any.may_reach(SocketAddr::new(address, 80)), "{address}");
            assert!(any.learn("a.example", vec![address]).is_empty(), "{address}");
        }
        assert!(any.may_reach(to("93.184.216.34:80")) && any.may_reach(to("[2606:2800::1]:80")));
    }

    #[test]
    fn names_open_their_addresses() {
        let allowed = allowed(&["example.org:443", "*.example.net"]);
        let address = ip("93.184.216.34");
        assert!(!allowed.may_reach(to("93.184.216.34:443")));
        assert!(allowed.may_ask("example.org") && allowed.may_ask("a.b.example.net"));
        for other in ["example.net", "anexample.net", "example.org.evil.example"] {
            assert!(!allowed.may_ask(other), "{other}");
            assert!(allowed.learn(other, vec![address]).is_empty());
        }
        assert_eq!(allowed.learn("example.org", vec![address, ip("10.0.0.1")]), [address]);
        assert!(allowed.may_reach(to("93.184.216.34:443")));
        assert!(
            !allowed.may_reach(to("93.184.216.34:80")) && !allowed.may_reach(to("10.0.0.1:443"))
        );
        allowed.learn("a.example.net", vec![address]);
        assert!(allowed.may_reach(to("93.184.216.34:80")));
    }
}
