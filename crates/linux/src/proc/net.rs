//! Files of `/proc/net`, which `ifconfig`, `route` and C libraries read. Packets are not counted.

use alloc::format;
use alloc::string::String;

use crate::kernel::Context;
use crate::net::interfaces::{self, GATEWAY};

/// `/proc/net/dev`.
pub fn dev(cx: &mut Context) -> String {
    let mut text = String::from(
        "Inter-|   Receive                                                |  Transmit\n face \
         |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop \
         fifo colls carrier compressed\n",
    );
    for one in interfaces::list(cx) {
        let zeros = "       0       0    0    0    0     0          0         0        0       0    0    \
                     0    0     0       0          0";
        text.push_str(&format!("{:>6}: {zeros}\n", one.name));
    }
    text
}

/// `/proc/net/if_inet6`.
pub fn if_inet6(cx: &mut Context) -> String {
    const PERMANENT: u8 = 0x80;
    let line = |one: &interfaces::Interface| {
        let ip: String = one.ip6.0.iter().map(|byte| format!("{byte:02x}")).collect();
        // The scope as these files number it: of the host, of a site.
        let scope = if one.is_loopback() { 0x10 } else { 0x40 };
        let prefix = one.ip6.1;
        format!("{ip} {:02x} {prefix:02x} {scope:02x} {PERMANENT:02x} {:>8}\n", one.index, one.name)
    };
    interfaces::list(cx).iter().map(line).collect()
}

/// `/proc/net/route`.
pub fn route(cx: &mut Context) -> String {
    const UP: u32 = 1;
    const THROUGH_GATEWAY: u32 = 2;
    let padded = |line: String| format!("{line:<127}\n");
    let head =
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT";
    let mut text = padded(head.into());
    for one in interfaces::list(cx).iter().filter(|one| !one.is_loopback()) {
        let number = u32::from_le_bytes;
        for (to, gateway, flags, mask) in [
            ([0; 4], GATEWAY, UP | THROUGH_GATEWAY, [0; 4]),
            (one.network(), [0; 4], UP, one.mask()),
        ] {
            let (to, gateway, mask) = (number(to), number(gateway), number(mask));
            let name = one.name;
            text.push_str(&padded(format!(
                "{name}\t{to:08X}\t{gateway:08X}\t{flags:04X}\t0\t0\t0\t{mask:08X}\t0\t0\t0"
            )));
        }
    }
    text
}
