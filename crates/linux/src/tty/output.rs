//! The way out: what output modes make of bytes, and where these go.

use super::termios::oflag::{OCRNL, OLCUC, ONLCR, ONLRET, ONOCR, OPOST, TABDLY, XTABS};
use super::{Bytes, End, OUTPUT_MAX, Tty};
use crate::kernel::Kernel;

impl Tty {
    /// How many bytes may be written now; each may become two at the other end.
    pub(super) fn output_room(&self) -> usize {
        if self.stopped.get() {
            return 0;
        }
        match &self.end {
            End::Console => usize::MAX,
            End::Pty(line) => OUTPUT_MAX.saturating_sub(line.output.borrow().len()) / 2,
        }
    }

    /// Writes what a program gives, through the output modes.
    pub(super) fn put(&self, kernel: &mut Kernel, bytes: &[u8]) {
        if self.termios.borrow().oflag & OPOST == 0 {
            self.send(kernel, bytes);
            return;
        }
        let mut out = Bytes::with_capacity(bytes.len() + 16);
        for &byte in bytes {
            self.process(byte, &mut out);
        }
        self.send(kernel, &out);
    }

    /// What output modes make of a byte; keeps count of the column.
    pub(super) fn process(&self, byte: u8, out: &mut Bytes) {
        let modes = self.termios.borrow().oflag;
        if modes & OPOST == 0 {
            out.push(byte);
            return;
        }
        let column = self.column.get();
        match byte {
            b'\n' => {
                if modes & ONLCR != 0 {
                    out.push(b'\r');
                }
                if modes & (ONLCR | ONLRET) != 0 {
                    self.column.set(0);
                }
                out.push(b'\n');
            }
            b'\r' if modes & ONOCR != 0 && column == 0 => {}
            b'\r' if modes & OCRNL != 0 => {
                if modes & ONLRET != 0 {
                    self.column.set(0);
                }
                out.push(b'\n');
            }
            b'\r' => {
                self.column.set(0);
                out.push(b'\r');
            }
            b'\t' => {
                let spaces = 8 - column % 8;
                self.column.set(column + spaces);
                if modes & TABDLY == XTABS {
                    out.extend(core::iter::repeat_n(b' ', spaces));
                } else {
                    out.push(b'\t');
                }
            }
            8 => {
                self.column.set(column.saturating_sub(1));
                out.push(8);
            }
            _ => {
                let byte = if modes & OLCUC != 0 { byte.to_ascii_uppercase() } else { byte };
                // Bytes that go on with a character take no column of their own.
                if byte >= b' ' && byte != 127 && byte & 0xc0 != 0x80 {
                    self.column.set(column + 1);
                }
                out.push(byte);
            }
        }
    }

    /// Hands bytes to the other end. What a master does not read in time is dropped:
    /// programs are held back before that, so this is echo alone.
    pub(super) fn send(&self, kernel: &mut Kernel, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        match &self.end {
            End::Console => kernel.host.console_write(bytes),
            End::Pty(line) => {
                let mut output = line.output.borrow_mut();
                if output.len() + bytes.len() <= 2 * OUTPUT_MAX {
                    output.extend(bytes);
                }
                drop(output);
                self.readers.wake_all();
            }
        }
    }
}
