//! Settings of a terminal (`termios(3)`), in the layouts of `TCGETS` and `TCGETS2`, which
//! are the same on both ABIs, and of the older `TCGETA`.
//!
//! Source: Linux, include/uapi/asm-generic/termbits.h.

/// Input modes.
#[allow(missing_docs)]
pub mod iflag {
    pub const IGNBRK: u32 = 0o1;
    pub const BRKINT: u32 = 0o2;
    pub const ISTRIP: u32 = 0o40;
    pub const INLCR: u32 = 0o100;
    pub const IGNCR: u32 = 0o200;
    pub const ICRNL: u32 = 0o400;
    pub const IUCLC: u32 = 0o1000;
    pub const IXON: u32 = 0o2000;
    pub const IXANY: u32 = 0o4000;
    pub const IMAXBEL: u32 = 0o20000;
    pub const IUTF8: u32 = 0o40000;
}

/// Output modes.
#[allow(missing_docs)]
pub mod oflag {
    pub const OPOST: u32 = 0o1;
    pub const OLCUC: u32 = 0o2;
    pub const ONLCR: u32 = 0o4;
    pub const OCRNL: u32 = 0o10;
    pub const ONOCR: u32 = 0o20;
    pub const ONLRET: u32 = 0o40;
    pub const TABDLY: u32 = 0o14000;
    pub const XTABS: u32 = 0o14000;
}

/// Local modes.
#[allow(missing_docs)]
pub mod lflag {
    pub const ISIG: u32 = 0o1;
    pub const ICANON: u32 = 0o2;
    pub const ECHO: u32 = 0o10;
    pub const ECHOE: u32 = 0o20;
    pub const ECHOK: u32 = 0o40;
    pub const ECHONL: u32 = 0o100;
    pub const NOFLSH: u32 = 0o200;
    pub const TOSTOP: u32 = 0o400;
    pub const ECHOCTL: u32 = 0o1000;
    pub const ECHOPRT: u32 = 0o2000;
    pub const ECHOKE: u32 = 0o4000;
    pub const IEXTEN: u32 = 0o100000;
}

/// Indices of control characters.
#[allow(missing_docs)]
pub mod cc {
    pub const INTR: usize = 0;
    pub const QUIT: usize = 1;
    pub const ERASE: usize = 2;
    pub const KILL: usize = 3;
    pub const EOF: usize = 4;
    pub const TIME: usize = 5;
    pub const MIN: usize = 6;
    pub const START: usize = 8;
    pub const STOP: usize = 9;
    pub const SUSP: usize = 10;
    pub const EOL: usize = 11;
    pub const REPRINT: usize = 12;
    pub const WERASE: usize = 14;
    pub const LNEXT: usize = 15;
    pub const EOL2: usize = 16;
}

const CONTROLS: usize = 19;

/// The settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Termios {
    pub iflag: u32,
    pub oflag: u32,
    pub cflag: u32,
    pub lflag: u32,
    pub line: u8,
    pub cc: [u8; CONTROLS],
    pub ispeed: u32,
    pub ospeed: u32,
}

impl Default for Termios {
    /// As the real system's terminals begin.
    fn default() -> Termios {
        let mut cc = [0; CONTROLS];
        let controls = [
            (cc::INTR, 3),
            (cc::QUIT, 28),
            (cc::ERASE, 127),
            (cc::KILL, 21),
            (cc::EOF, 4),
            (cc::MIN, 1),
            (cc::START, 17),
            (cc::STOP, 19),
            (cc::SUSP, 26),
            (cc::REPRINT, 18),
            (13, 15),
            (cc::WERASE, 23),
            (cc::LNEXT, 22),
        ];
        for (index, value) in controls {
            cc[index] = value;
        }
        Termios {
            iflag: iflag::ICRNL | iflag::IXON,
            oflag: oflag::OPOST | oflag::ONLCR,
            // B38400, eight bits, receiver on.
            cflag: 0o17 | 0o60 | 0o200,
            lflag: lflag::ISIG
                | lflag::ICANON
                | lflag::ECHO
                | lflag::ECHOE
                | lflag::ECHOK
                | lflag::ECHOCTL
                | lflag::ECHOKE
                | lflag::IEXTEN,
            line: 0,
            cc,
            ispeed: 38400,
            ospeed: 38400,
        }
    }
}

/// Which of the layouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `struct termio`: 16-bit modes, eight characters.
    Termio,
    /// `struct termios`.
    Termios,
    /// `struct termios2`: with speeds.
    Termios2,
}

impl Layout {
    /// Bytes of it.
    pub fn size(self) -> usize {
        match self {
            Layout::Termio => 18,
            Layout::Termios => 36,
            Layout::Termios2 => 44,
        }
    }
}

impl Termios {
    /// Whether a mode is set.
    pub fn local(&self, flag: u32) -> bool {
        self.lflag & flag != 0
    }

    /// Whether a byte is one of the control characters, which 0 never is.
    pub fn is(&self, index: usize, byte: u8) -> bool {
        byte != 0 && self.cc[index] == byte
    }

    /// As a program reads it.
    pub fn encode(&self, layout: Layout) -> [u8; 44] {
        let mut bytes = [0; 44];
        let flags = [self.iflag, self.oflag, self.cflag, self.lflag];
        if layout == Layout::Termio {
            for (index, flag) in flags.into_iter().enumerate() {
                bytes[index * 2..index * 2 + 2].copy_from_slice(&(flag as u16).to_le_bytes());
            }
            bytes[8] = self.line;
            bytes[9..17].copy_from_slice(&self.cc[..8]);
            return bytes;
        }
        for (index, flag) in flags.into_iter().enumerate() {
            bytes[index * 4..index * 4 + 4].copy_from_slice(&flag.to_le_bytes());
        }
        bytes[16] = self.line;
        bytes[17..36].copy_from_slice(&self.cc);
        bytes[36..40].copy_from_slice(&self.ispeed.to_le_bytes());
        bytes[40..44].copy_from_slice(&self.ospeed.to_le_bytes());
        bytes
    }

    /// Takes over what a program gives; `bytes` are as long as the layout.
    pub fn decode(&mut self, layout: Layout, bytes: &[u8]) {
        if layout == Layout::Termio {
            let flag = |at: usize, old: u32| {
                old & 0xffff_0000 | u32::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]))
            };
            self.iflag = flag(0, self.iflag);
            self.oflag = flag(2, self.oflag);
            self.cflag = flag(4, self.cflag);
            self.lflag = flag(6, self.lflag);
            self.line = bytes[8];
            self.cc[..8].copy_from_slice(&bytes[9..17]);
            return;
        }
        let word = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        (self.iflag, self.oflag) = (word(0), word(4));
        (self.cflag, self.lflag) = (word(8), word(12));
        self.line = bytes[16];
        self.cc.copy_from_slice(&bytes[17..36]);
        if layout == Layout::Termios2 {
            (self.ispeed, self.ospeed) = (word(36), word(40));
        }
    }
}
