//! Bodies as text, one instruction a line, close to the text format.
//!
//! Immediates are written as the text format writes them; blocks are not folded and
//! indices are not replaced by names.

use crate::{
    BlockType, Catch, Features, Imm, ImmKind, Instr, MemArg, Module, Opcode, Reader, Result,
    ValType, type_reader::val_type,
};
use core::fmt;

/// The lines of a function's body: its locals, then its instructions.
///
/// Stops after the first error.
#[derive(Clone, Debug)]
pub struct Disassembly<'a> {
    reader: Reader<'a>,
    /// Groups of locals still to come; `None` before their count is read.
    locals: Option<u32>,
    depth: u32,
    failed: bool,
}

impl Module {
    /// The body of function `index` as text; `None` if it is imported or out of range.
    pub fn disassemble<'a>(
        &self,
        bytes: &'a [u8],
        index: u32,
        features: Features,
    ) -> Option<Disassembly<'a>> {
        let body = self.body(index)?;
        let reader = Reader::new(bytes, body.start as usize..body.end as usize, features);
        Some(Disassembly { reader, locals: None, depth: 1, failed: false })
    }
}

/// A line of a disassembly. Displays as offset, indentation and instruction.
#[derive(Clone, Debug)]
pub struct Line<'a> {
    /// Bytes from the module's start.
    pub at: usize,
    /// How many blocks are open around it, the body included.
    pub depth: u32,
    content: Content<'a>,
}

#[derive(Clone, Debug)]
enum Content<'a> {
    Locals(u32, ValType),
    Instr(Instr<'a>),
}

impl<'a> Line<'a> {
    /// The instruction; `None` for a declaration of locals.
    pub fn instr(&self) -> Option<&Instr<'a>> {
        match &self.content {
            Content::Instr(instr) => Some(instr),
            Content::Locals(..) => None,
        }
    }
}

impl<'a> Disassembly<'a> {
    fn line(&mut self) -> Result<Line<'a>> {
        let left = match self.locals {
            Some(left) => left,
            None => self.reader.u32()?,
        };
        self.locals = Some(left.saturating_sub(1));
        let at = self.reader.pos();
        if left > 0 {
            let content = Content::Locals(self.reader.u32()?, val_type(&mut self.reader)?);
            return Ok(Line { at, depth: 1, content });
        }
        let instr = self.reader.instr()?;
        use Opcode::*;
        if matches!(instr.op, End | Else | Catch | CatchAll | Delegate) {
            self.depth = self.depth.saturating_sub(1);
        }
        let depth = self.depth;
        if matches!(instr.op, Block | Loop | If | Else | Try | Catch | CatchAll | TryTable) {
            self.depth += 1;
        }
        Ok(Line { at, depth, content: Content::Instr(instr) })
    }
}

impl<'a> Iterator for Disassembly<'a> {
    type Item = Result<Line<'a>>;

    fn next(&mut self) -> Option<Result<Line<'a>>> {
        if self.failed || self.reader.is_empty() {
            return None;
        }
        let line = self.line();
        self.failed = line.is_err();
        Some(line)
    }
}

/// All lines, the last one perhaps an error.
impl fmt::Display for Disassembly<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.clone().try_for_each(|line| match line {
            Ok(line) => writeln!(f, "{line}"),
            Err(e) => writeln!(f, ";; {e}"),
        })
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Hostile code opens any number of blocks; lines must not grow with them.
        let indent = self.depth.min(40) as usize * 2;
        write!(f, "{:08x}:{:indent$} ", self.at, "")?;
        match &self.content {
            Content::Locals(count, ty) => write!(f, "(local {ty}) ;; {count} of them"),
            Content::Instr(instr) => instr.fmt(f),
        }
    }
}

impl fmt::Display for Instr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Opcode::*;
        f.write_str(match self.op {
            // The text format has one name for each pair, and nullability in the type.
            RefTestNull => "ref.test",
            RefCastNull => "ref.cast",
            op => op.text(),
        })?;
        match &self.imm {
            Imm::None => Ok(()),
            Imm::Block(ty) => ty.fmt(f),
            Imm::TryTable(ty, catches) => {
                ty.fmt(f)?;
                catches.iter().try_for_each(|catch| write!(f, " {catch}"))
            }
            Imm::Label(index) => write!(f, " {index}"),
            Imm::Index(0) if is_implied(self.op) => Ok(()),
            Imm::Index(index) => write!(f, " {index}"),
            Imm::BrTable(table) => {
                table.labels().try_for_each(|label| write!(f, " {label}"))?;
                write!(f, " {}", table.default)
            }
            Imm::CallIndirect { ty, table: 0 } => write!(f, " (type {ty})"),
            Imm::CallIndirect { ty, table } => write!(f, " {table} (type {ty})"),
            Imm::SelectType(ty) => write!(f, " (result {ty})"),
            Imm::Index2(first, second) => index2(f, self.op, *first, *second),
            Imm::MemArg(arg) => mem_arg(f, self.op, arg),
            Imm::MemArgLane(arg, lane) => {
                mem_arg(f, self.op, arg)?;
                write!(f, " {lane}")
            }
            Imm::Lane(lane) => write!(f, " {lane}"),
            Imm::I32(value) => write!(f, " {value}"),
            Imm::I64(value) => write!(f, " {value}"),
            Imm::F32(bits) => {
                let value = f32::from_bits(*bits);
                let payload = value.is_nan().then_some(u64::from(bits & 0x7f_ffff));
                float(f, value.is_sign_negative(), payload, 1 << 22, value.is_infinite())?;
                if value.is_finite() { write!(f, "{:?}", value.abs()) } else { Ok(()) }
            }
            Imm::F64(bits) => {
                let value = f64::from_bits(*bits);
                let payload = value.is_nan().then_some(bits & 0xf_ffff_ffff_ffff);
                float(f, value.is_sign_negative(), payload, 1 << 51, value.is_infinite())?;
                if value.is_finite() { write!(f, "{:?}", value.abs()) } else { Ok(()) }
            }
            Imm::V128(lanes) if self.op == I8x16Shuffle => {
                lanes.iter().try_for_each(|lane| write!(f, " {lane}"))
            }
            Imm::V128(bytes) => {
                f.write_str(" i32x4")?;
                bytes.chunks_exact(4).try_for_each(|lane| {
                    write!(f, " 0x{:02x}{:02x}{:02x}{:02x}", lane[3], lane[2], lane[1], lane[0])
                })
            }
            Imm::HeapType(heap) => match self.op {
                RefNull => write!(f, " {heap}"),
                RefTestNull | RefCastNull => write!(f, " (ref null {heap})"),
                _ => write!(f, " (ref {heap})"),
            },
            Imm::BrOnCast { label, from, to } => write!(f, " {label} {from} {to}"),
        }
    }
}

impl fmt::Display for BlockType {
    /// With a space before it, as it may be nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BlockType::Empty => Ok(()),
            BlockType::Val(ty) => write!(f, " (result {ty})"),
            BlockType::Func(index) => write!(f, " (type {index})"),
        }
    }
}

impl fmt::Display for Catch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suffix = if self.with_ref { "_ref" } else { "" };
        match self.tag {
            Some(tag) => write!(f, "(catch{suffix} {tag} {})", self.label),
            None => write!(f, "(catch_all{suffix} {})", self.label),
        }
    }
}

/// Whether index zero is left out: of a memory or a table.
fn is_implied(op: Opcode) -> bool {
    matches!(op.immediates(), ImmKind::Memory | ImmKind::Table)
}

/// In text a memory or a table comes before the segment, and zero is left out.
fn index2(f: &mut fmt::Formatter<'_>, op: Opcode, first: u32, second: u32) -> fmt::Result {
    match op.immediates() {
        ImmKind::MemoryCopy | ImmKind::TableCopy if (first, second) == (0, 0) => Ok(()),
        ImmKind::MemoryInit | ImmKind::TableInit if second == 0 => write!(f, " {first}"),
        ImmKind::MemoryInit | ImmKind::TableInit => write!(f, " {second} {first}"),
        _ => write!(f, " {first} {second}"),
    }
}

fn mem_arg(f: &mut fmt::Formatter<'_>, op: Opcode, arg: &MemArg) -> fmt::Result {
    if arg.memory != 0 {
        write!(f, " {}", arg.memory)?;
    }
    if arg.offset != 0 {
        write!(f, " offset={}", arg.offset)?;
    }
    let natural = match op.immediates() {
        ImmKind::MemArg(n) | ImmKind::AtomicMemArg(n) | ImmKind::MemArgLane(n) => n,
        _ => 0,
    };
    if arg.align == natural {
        return Ok(());
    }
    // Reading bounds the exponent below 64.
    write!(f, " align={}", 1u64 << arg.align)
}

/// What is not a finite magnitude: the sign, infinity, the payload of a NaN. `canonical` is
/// the payload that needs no mention.
fn float(
    f: &mut fmt::Formatter<'_>,
    negative: bool,
    payload: Option<u64>,
    canonical: u64,
    infinite: bool,
) -> fmt::Result {
    f.write_str(if negative { " -" } else { " " })?;
    match payload {
        Some(payload) if payload == canonical => f.write_str("nan"),
        Some(payload) => write!(f, "nan:0x{payload:x}"),
        None => f.write_str(if infinite { "inf" } else { "" }),
    }
}
