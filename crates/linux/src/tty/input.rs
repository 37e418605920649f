//! The way in: the line discipline (`termios(3)`, Linux' `n_tty`). Bytes become lines that
//! can be edited, or stay bytes; some become signals; what is typed is shown.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::termios::{Termios, cc, iflag, lflag};
use super::{Bytes, Tty};
use crate::kernel::Kernel;
use crate::signal::{SIGINT, SIGQUIT, SIGTSTP, SigInfo};

/// Bytes of input that a terminal keeps, as on the real system.
pub const INPUT_MAX: usize = 4096;

/// What was typed and not yet read.
#[derive(Default)]
pub struct Input {
    /// Lines that are complete. One without a newline was ended by `^D`.
    lines: VecDeque<VecDeque<u8>>,
    /// The line that is being edited.
    edit: Vec<u8>,
    /// Bytes of the mode without lines.
    raw: VecDeque<u8>,
    /// The next byte is taken as it is (`^V`).
    literal: bool,
    /// The column in which the edited line starts.
    start: usize,
    /// When the last byte came (monotonic nanoseconds).
    last_ns: u64,
}

impl Input {
    fn len(&self) -> usize {
        self.lines.iter().map(VecDeque::len).sum::<usize>() + self.edit.len() + self.raw.len()
    }

    /// Bytes that a read could have now.
    pub fn available(&self, canonical: bool) -> usize {
        if canonical { self.lines.iter().map(VecDeque::len).sum() } else { self.raw.len() }
    }

    /// Whether a line is complete.
    pub fn has_line(&self) -> bool {
        !self.lines.is_empty()
    }

    /// When the last byte came.
    pub fn last_ns(&self) -> u64 {
        self.last_ns
    }

    /// Takes of the first line what fits.
    pub fn take_line(&mut self, buf: &mut [u8]) -> usize {
        let Some(line) = self.lines.front_mut() else { return 0 };
        let count = take(line, buf);
        if line.is_empty() {
            self.lines.pop_front();
        }
        count
    }

    /// Takes bytes.
    pub fn take_raw(&mut self, buf: &mut [u8]) -> usize {
        take(&mut self.raw, buf)
    }

    /// Forgets everything.
    pub fn flush(&mut self) {
        self.lines.clear();
        self.edit.clear();
        self.raw.clear();
    }

    /// The mode changed: what is there stays, as it can be read now.
    pub fn switch(&mut self, canonical: bool) {
        if canonical {
            if !self.raw.is_empty() {
                self.lines.push_back(core::mem::take(&mut self.raw));
            }
        } else {
            for line in core::mem::take(&mut self.lines) {
                self.raw.extend(line);
            }
            self.raw.extend(self.edit.drain(..));
        }
    }
}

fn take(from: &mut VecDeque<u8>, buf: &mut [u8]) -> usize {
    let count = from.len().min(buf.len());
    for (to, byte) in buf.iter_mut().zip(from.drain(..count)) {
        *to = byte;
    }
    count
}

/// What a byte did, as far as others must hear of it.
#[derive(Default)]
struct Effects {
    echo: Bytes,
    signals: Vec<i32>,
    readable: bool,
    started: bool,
}

impl Tty {
    /// How many bytes of input are taken now. A line that is too long without an end still
    /// takes bytes, and drops them, or nobody could ever end it.
    pub(super) fn room(&self) -> usize {
        let input = self.input.borrow();
        let room = INPUT_MAX.saturating_sub(input.len());
        let stuck = self.termios.borrow().local(lflag::ICANON) && input.lines.is_empty();
        if stuck { room.max(1) } else { room }
    }

    /// Bytes come in from the other end.
    pub(super) fn receive(&self, kernel: &mut Kernel, bytes: &[u8]) {
        let mut effects = Effects::default();
        let now = kernel.monotonic_ns();
        let termios = *self.termios.borrow();
        for &byte in bytes {
            let mut input = self.input.borrow_mut();
            input.last_ns = now;
            self.take_byte(&termios, &mut input, byte, &mut effects);
        }
        if effects.started {
            self.writers.wake_all();
        }
        self.send(kernel, &effects.echo);
        for signal in effects.signals {
            if self.pgrp.get() != 0 {
                kernel.signal_group(self.pgrp.get(), SigInfo::kernel(signal));
            }
        }
        if effects.readable {
            self.readers.wake_all();
        }
    }

    fn take_byte(&self, t: &Termios, input: &mut Input, byte: u8, effects: &mut Effects) {
        let mut byte = if t.iflag & iflag::ISTRIP != 0 { byte & 0x7f } else { byte };
        let extended = t.local(lflag::IEXTEN);
        if t.iflag & iflag::IUCLC != 0 && extended {
            byte = byte.to_ascii_lowercase();
        }
        if core::mem::take(&mut input.literal) {
            self.keep(t, input, byte, effects);
            return;
        }
        if t.iflag & iflag::IXON != 0 {
            if t.is(cc::START, byte) || t.is(cc::STOP, byte) {
                let stop = t.is(cc::STOP, byte) && !(self.stopped.get() && t.is(cc::START, byte));
                self.stopped.set(stop);
                effects.started |= !stop;
                return;
            }
            if self.stopped.get() && t.iflag & iflag::IXANY != 0 {
                self.stopped.set(false);
                effects.started = true;
            }
        }
        if t.local(lflag::ISIG) {
            let signals = [(cc::INTR, SIGINT), (cc::QUIT, SIGQUIT), (cc::SUSP, SIGTSTP)];
            if let Some((_, signal)) = signals.into_iter().find(|(index, _)| t.is(*index, byte)) {
                if !t.local(lflag::NOFLSH) {
                    input.flush();
                }
                effects.started |= self.stopped.replace(false);
                if t.local(lflag::ECHO) {
                    self.echo(t, byte, &mut effects.echo);
                }
                effects.signals.push(signal);
                return;
            }
        }
        match byte {
            b'\r' if t.iflag & iflag::IGNCR != 0 => return,
            b'\r' if t.iflag & iflag::ICRNL != 0 => byte = b'\n',
            b'\n' if t.iflag & iflag::INLCR != 0 => byte = b'\r',
            _ => {}
        }
        if !t.local(lflag::ICANON) {
            self.keep(t, input, byte, effects);
            return;
        }
        if t.is(cc::ERASE, byte) {
            self.erase_one(t, input, &mut effects.echo);
        } else if t.is(cc::WERASE, byte) && extended {
            self.erase_word(t, input, &mut effects.echo);
        } else if t.is(cc::KILL, byte) {
            self.kill_line(t, input, byte, &mut effects.echo);
        } else if t.is(cc::LNEXT, byte) && extended {
            input.literal = true;
            if t.local(lflag::ECHO) && t.local(lflag::ECHOCTL) {
                effects.echo.extend(b"^\x08");
            }
        } else if t.is(cc::REPRINT, byte) && t.local(lflag::ECHO) && extended {
            self.echo(t, byte, &mut effects.echo);
            self.process(b'\n', &mut effects.echo);
            for &shown in &input.edit {
                self.echo(t, shown, &mut effects.echo);
            }
        } else if t.is(cc::EOF, byte) {
            input.lines.push_back(input.edit.drain(..).collect());
            effects.readable = true;
        } else if byte == b'\n' || t.is(cc::EOL, byte) || t.is(cc::EOL2, byte) && extended {
            if byte == b'\n' && (t.local(lflag::ECHO) || t.local(lflag::ECHONL)) {
                self.process(byte, &mut effects.echo);
            } else if t.local(lflag::ECHO) {
                self.echo(t, byte, &mut effects.echo);
            }
            input.edit.push(byte);
            input.lines.push_back(input.edit.drain(..).collect());
            effects.readable = true;
        } else {
            self.keep(t, input, byte, effects);
        }
    }

    /// An ordinary byte.
    fn keep(&self, t: &Termios, input: &mut Input, byte: u8, effects: &mut Effects) {
        let canonical = t.local(lflag::ICANON);
        // In a line there must be room for its end.
        if input.len() + usize::from(canonical) >= INPUT_MAX {
            if t.iflag & iflag::IMAXBEL != 0 {
                effects.echo.push(7);
            }
            return;
        }
        if canonical {
            if input.edit.is_empty() {
                input.start = self.column.get();
            }
            input.edit.push(byte);
        } else {
            input.raw.push_back(byte);
            effects.readable = true;
        }
        if t.local(lflag::ECHO) {
            if byte == b'\n' && !canonical {
                self.process(byte, &mut effects.echo);
            } else {
                self.echo(t, byte, &mut effects.echo);
            }
        }
    }

    /// Shows a byte; control characters as `^X`.
    fn echo(&self, t: &Termios, byte: u8, out: &mut Bytes) {
        if t.local(lflag::ECHOCTL) && is_control(byte) {
            self.process(b'^', out);
            self.process(byte ^ 0x40, out);
        } else {
            self.process(byte, out);
        }
    }

    fn erase_one(&self, t: &Termios, input: &mut Input, out: &mut Bytes) {
        let Some(last) = input.edit.pop() else { return };
        if t.iflag & iflag::IUTF8 != 0 {
            let mut byte = last;
            while byte & 0xc0 == 0x80 {
                match input.edit.pop() {
                    Some(before) => byte = before,
                    None => break,
                }
            }
            self.rub_out(t, input, byte, out);
        } else {
            self.rub_out(t, input, last, out);
        }
    }

    fn erase_word(&self, t: &Termios, input: &mut Input, out: &mut Bytes) {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
        let mut seen = false;
        while let Some(&last) = input.edit.last() {
            if seen && !is_word(last) {
                break;
            }
            seen |= is_word(last);
            self.erase_one(t, input, out);
        }
    }

    fn kill_line(&self, t: &Termios, input: &mut Input, byte: u8, out: &mut Bytes) {
        let whole = lflag::ECHOK | lflag::ECHOKE | lflag::ECHOE;
        if t.local(lflag::ECHO) && t.lflag & whole == whole {
            while !input.edit.is_empty() {
                self.erase_one(t, input, out);
            }
            return;
        }
        input.edit.clear();
        if t.local(lflag::ECHO) {
            self.echo(t, byte, out);
            if t.local(lflag::ECHOK) {
                self.process(b'\n', out);
            }
        }
    }

    /// Takes a byte that was erased off the screen.
    fn rub_out(&self, t: &Termios, input: &Input, byte: u8, out: &mut Bytes) {
        if !t.local(lflag::ECHO) {
            return;
        }
        if !t.local(lflag::ECHOE) {
            self.echo(t, t.cc[cc::ERASE], out);
            return;
        }
        let width = match byte {
            b'\t' => {
                // As far as the column where the rest of the line ends.
                let end = input.edit.iter().fold(input.start, |column, &byte| match byte {
                    b'\t' => (column / 8 + 1) * 8,
                    byte => column + shown_width(t, byte),
                });
                let wide = self.column.get().saturating_sub(end);
                self.column.set(end);
                out.extend(core::iter::repeat_n(8, wide));
                return;
            }
            byte => shown_width(t, byte),
        };
        for _ in 0..width {
            for byte in *b"\x08 \x08" {
                self.process(byte, out);
            }
        }
    }
}

fn is_control(byte: u8) -> bool {
    (byte < 32 || byte == 127) && byte != b'\t' && byte != b'\n'
}

fn shown_width(t: &Termios, byte: u8) -> usize {
    match byte {
        byte if is_control(byte) => 2 * usize::from(t.local(lflag::ECHOCTL)),
        byte if byte & 0xc0 == 0x80 && t.iflag & iflag::IUTF8 != 0 => 0,
        _ => 1,
    }
}
