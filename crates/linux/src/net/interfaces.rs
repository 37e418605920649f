//! The one network interface, `lo`, as `ioctl` requests ask about it (`netdevice(7)`).

use alloc::vec::Vec;

use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::syscall::Args;

/// Its number.
pub const INDEX: u32 = 1;
/// Its name.
pub const NAME: &[u8] = b"lo";
/// Its largest packet.
pub const MTU: u32 = 65536;
/// `IFF_UP | IFF_LOOPBACK | IFF_RUNNING`.
pub const FLAGS: u32 = 0x49;

/// Requests of `netdevice(7)`.
pub fn ioctl(cx: &mut Context, args: Args) -> SysResult {
    const SIOCGIFNAME: u32 = 0x8910;
    const SIOCGIFCONF: u32 = 0x8912;
    let at = args.u64(2);
    let word = cx.word() as u64;
    // A `struct ifreq` has 16 bytes of name, and as much as an address or a map takes.
    let size = if word == 8 { 40 } else { 32 };
    match args.u32(1) {
        SIOCGIFCONF => {
            let room = cx.read_u32(at)?;
            let list = cx.read_word(at + word)?;
            if list != 0 {
                let mut record = name();
                record.extend_from_slice(&internet([127, 0, 0, 1]));
                record.resize(size, 0);
                if (room as usize) < size {
                    return cx.write_u32(at, 0).map(|()| 0);
                }
                cx.write_bytes(list, &record)?;
            }
            cx.write_u32(at, size as u32).map(|()| 0)
        }
        SIOCGIFNAME => {
            if cx.read_u32(at + 16)? != INDEX {
                return Err(Errno::ENODEV);
            }
            cx.write_bytes(at, &name()).map(|()| 0)
        }
        request @ 0x8913..=0x8970 => {
            let asked = cx.read_vec(at, 16)?;
            let end = asked.iter().position(|&b| b == 0).unwrap_or(16);
            if &asked[..end] != NAME {
                return Err(Errno::ENODEV);
            }
            let value: Vec<u8> = match request {
                0x8913 => (FLAGS as u16).to_le_bytes().to_vec(),
                0x8915 => internet([127, 0, 0, 1]),
                0x8917 => internet([0, 0, 0, 0]),
                0x8919 => internet([0, 0, 0, 0]),
                0x891b => internet([255, 0, 0, 0]),
                0x891d => 0u32.to_le_bytes().to_vec(),
                0x8921 => MTU.to_le_bytes().to_vec(),
                // A hardware address of six zeros, of the type of loopbacks.
                0x8927 => [&772u16.to_le_bytes()[..], &[0; 14]].concat(),
                0x8933 => INDEX.to_le_bytes().to_vec(),
                0x8942 => 1000u32.to_le_bytes().to_vec(),
                0x8970 => alloc::vec![0; 16],
                _ => return Err(Errno::EPERM),
            };
            cx.write_bytes(at + 16, &value).map(|()| 0)
        }
        _ => Err(Errno::ENOTTY),
    }
}

fn name() -> Vec<u8> {
    let mut name = NAME.to_vec();
    name.resize(16, 0);
    name
}

fn internet(ip: [u8; 4]) -> Vec<u8> {
    let mut bytes = alloc::vec![2, 0, 0, 0];
    bytes.extend_from_slice(&ip);
    bytes.resize(16, 0);
    bytes
}
