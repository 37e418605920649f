//! One decoded instruction: opcode and immediates.

use crate::{
    Error, ErrorKind, Feature, Features, HeapType, ImmKind, Opcode, Reader, RefType, Result,
    ValType,
    type_reader::{heap_type, val_type},
};

/// An instruction with its immediates.
#[derive(Clone, Debug)]
pub struct Instr<'a> {
    /// What it does.
    pub op: Opcode,
    /// With which immediates.
    pub imm: Imm<'a>,
}

/// The immediates of an instruction; [`ImmKind`] says which instruction has which.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // The names are ImmKind's.
pub enum Imm<'a> {
    None,
    Block(BlockType),
    TryTable(BlockType, Catches<'a>),
    Label(u32),
    BrTable(BrTable<'a>),
    /// One index, of whatever kind the opcode takes.
    Index(u32),
    CallIndirect {
        ty: u32,
        table: u32,
    },
    SelectType(ValType),
    /// Two indices in the order of the binary format.
    Index2(u32, u32),
    MemArg(MemArg),
    MemArgLane(MemArg, u8),
    Lane(u8),
    I32(i32),
    I64(i64),
    /// The bits of a float.
    F32(u32),
    /// The bits of a float.
    F64(u64),
    /// A constant, or the lanes of a shuffle.
    V128([u8; 16]),
    HeapType(HeapType),
    BrOnCast {
        label: u32,
        from: RefType,
        to: RefType,
    },
}

/// The type of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockType {
    /// No parameters, no results.
    Empty,
    /// No parameters, one result.
    Val(ValType),
    /// A function type, by index.
    Func(u32),
}

/// Which bytes of which memory an instruction accesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemArg {
    /// log2 of the promised alignment.
    pub align: u8,
    /// Added to the address operand.
    pub offset: u64,
    /// The memory's index.
    pub memory: u32,
}

/// The targets of a `br_table`.
#[derive(Clone, Debug)]
pub struct BrTable<'a> {
    reader: Reader<'a>,
    count: u32,
    /// The label for every operand that has no label of its own.
    pub default: u32,
}

impl<'a> BrTable<'a> {
    /// The number of labels, without the default.
    pub fn len(&self) -> u32 {
        self.count
    }

    /// Whether there is only the default.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The labels, without the default.
    pub fn labels(&self) -> impl Iterator<Item = u32> + use<'a> {
        let mut reader = self.reader.clone();
        // Decoding read every label once, so none can fail now.
        (0..self.count).map_while(move |_| reader.u32().ok())
    }
}

/// A clause of a `try_table`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Catch {
    /// The tag; `None` catches all.
    pub tag: Option<u32>,
    /// Whether the exception itself is passed too.
    pub with_ref: bool,
    /// Where to.
    pub label: u32,
}

/// The clauses of a `try_table`.
#[derive(Clone, Debug)]
pub struct Catches<'a> {
    reader: Reader<'a>,
    count: u32,
}

impl<'a> Catches<'a> {
    /// The clauses in order.
    pub fn iter(&self) -> impl Iterator<Item = Catch> + use<'a> {
        let mut reader = self.reader.clone();
        // Decoding read every clause once, so none can fail now.
        (0..self.count).map_while(move |_| catch(&mut reader).ok())
    }
}

impl Instr<'_> {
    /// `nop`
    pub(crate) const NOP: Self = Instr { op: Opcode::Nop, imm: Imm::None };
}

impl<'a> Reader<'a> {
    /// The next instruction, if its proposal is switched on.
    ///
    /// # Errors
    /// What is wrong with its bytes, and where.
    pub fn instr(&mut self) -> Result<Instr<'a>> {
        let mut instr = Instr::NOP;
        instr.op = self.enabled_opcode()?;
        self.immediates(instr.op, &mut instr.imm)?;
        Ok(instr)
    }

    /// The next opcode, if its proposal is switched on.
    #[inline]
    pub(crate) fn enabled_opcode(&mut self) -> Result<Opcode> {
        let at = self.pos();
        let op = self.opcode()?;
        self.need(op.feature(), at)?;
        Ok(op)
    }

    /// The next opcode, whether or not its proposal is switched on.
    #[cfg_attr(not(sampan_small), inline)]
    #[cfg_attr(sampan_small, inline(never))]
    pub fn opcode(&mut self) -> Result<Opcode> {
        let at = self.pos();
        let byte = self.u8()?;
        if byte < 0xfb {
            return Opcode::from_code(u32::from(byte))
                .ok_or_else(|| Error::new(ErrorKind::UnknownOpcode(0, u32::from(byte)), at));
        }
        self.prefixed(byte, at)
    }

    fn prefixed(&mut self, prefix: u8, at: usize) -> Result<Opcode> {
        let Some((page, len)) = Opcode::page(prefix) else {
            return Err(Error::new(ErrorKind::UnknownOpcode(0, u32::from(prefix)), at));
        };
        let sub = self.u32()?;
        if let Some(feature) = Opcode::page_feature(prefix)
            && !Features::BUILT.has(feature)
        {
            self.need(feature, at)?;
        }
        let op = if sub < len { Opcode::from_code(page + sub) } else { None };
        op.ok_or_else(|| Error::new(ErrorKind::UnknownOpcode(prefix, sub), at))
    }

    /// The immediates of `op`, into place: copying an instruction that was just written costs
    /// more than decoding it, as the copy is wider than the writes and has to wait for them.
    #[cfg_attr(not(sampan_small), inline)]
    #[cfg_attr(sampan_small, inline(never))]
    pub(crate) fn immediates(&mut self, op: Opcode, imm: &mut Imm<'a>) -> Result<()> {
        match op.immediates() {
            ImmKind::None => *imm = Imm::None,
            ImmKind::Local
            | ImmKind::Func
            | ImmKind::Type
            | ImmKind::Global
            | ImmKind::Table
            | ImmKind::Tag
            | ImmKind::Elem
            | ImmKind::Data => *imm = Imm::Index(self.u32()?),
            ImmKind::Label => *imm = Imm::Label(self.u32()?),
            ImmKind::I32 => *imm = Imm::I32(self.i32()?),
            ImmKind::I64 => *imm = Imm::I64(self.i64()?),
            ImmKind::F32 => *imm = Imm::F32(u32::from_le_bytes(self.array()?)),
            ImmKind::F64 => *imm = Imm::F64(u64::from_le_bytes(self.array()?)),
            ImmKind::Block => *imm = Imm::Block(block_type(self)?),
            ImmKind::MemArg(_) | ImmKind::AtomicMemArg(_) => *imm = Imm::MemArg(mem_arg(self)?),
            ImmKind::Memory => *imm = Imm::Index(memory_index(self)?),
            ImmKind::CallIndirect => {
                *imm = Imm::CallIndirect { ty: self.u32()?, table: table_index(self)? }
            }
            _ => *imm = self.rare_immediates(op)?,
        }
        Ok(())
    }

    #[inline(never)]
    fn rare_immediates(&mut self, op: Opcode) -> Result<Imm<'a>> {
        Ok(match op.immediates() {
            ImmKind::BrTable => Imm::BrTable(br_table(self)?),
            ImmKind::TryTable if cfg!(feature = "exceptions") => {
                let ty = block_type(self)?;
                let count = self.count("catch clauses", crate::limits::MAX_CATCHES)?;
                let reader = self.clone();
                for _ in 0..count {
                    catch(self)?;
                }
                Imm::TryTable(ty, Catches { reader, count })
            }
            ImmKind::SelectType if cfg!(feature = "reference-types") => {
                let at = self.pos();
                if self.u32()? != 1 {
                    return Err(Error::invalid("invalid result arity", at));
                }
                Imm::SelectType(val_type(self)?)
            }
            ImmKind::MemArgLane(align) if cfg!(feature = "simd") => {
                let memarg = mem_arg(self)?;
                Imm::MemArgLane(memarg, lane(self, 16 >> align)?)
            }
            ImmKind::Lane(count) if cfg!(feature = "simd") => Imm::Lane(lane(self, count)?),
            ImmKind::V128 if cfg!(feature = "simd") => Imm::V128(self.array()?),
            ImmKind::Shuffle if cfg!(feature = "simd") => {
                let at = self.pos();
                let lanes: [u8; 16] = self.array()?;
                if lanes.iter().any(|&lane| lane >= 32) {
                    return Err(Error::invalid("invalid lane index", at));
                }
                Imm::V128(lanes)
            }
            ImmKind::MemoryCopy => Imm::Index2(memory_index(self)?, memory_index(self)?),
            ImmKind::MemoryInit => Imm::Index2(self.u32()?, memory_index(self)?),
            ImmKind::TableCopy
            | ImmKind::TableInit
            | ImmKind::Field
            | ImmKind::ArrayFixed
            | ImmKind::ArrayData
            | ImmKind::ArrayElem
            | ImmKind::ArrayCopy => Imm::Index2(self.u32()?, self.u32()?),
            ImmKind::HeapType if cfg!(feature = "reference-types") => {
                Imm::HeapType(heap_type(self)?)
            }
            ImmKind::BrOnCast if cfg!(feature = "gc") => br_on_cast(self)?,
            ImmKind::Fence if cfg!(feature = "threads") => {
                let at = self.pos();
                if self.u8()? != 0 {
                    return Err(Error::malformed("zero byte expected", at));
                }
                Imm::None
            }
            _ => unreachable!("the common immediates are read by the caller"),
        })
    }
}

fn block_type(reader: &mut Reader<'_>) -> Result<BlockType> {
    let at = reader.pos();
    match reader.peek() {
        Some(0x40) => {
            reader.u8()?;
            Ok(BlockType::Empty)
        }
        // A negative number of one byte is a value type.
        Some(byte) if byte & 0xc0 == 0x40 => Ok(BlockType::Val(val_type(reader)?)),
        _ => match u32::try_from(reader.i33()?) {
            Ok(index) if reader.features().has(Feature::MultiValue) => Ok(BlockType::Func(index)),
            Ok(_) => Err(Error::new(Features::refusal(Feature::MultiValue), at)),
            Err(_) => Err(Error::malformed("malformed block type", at)),
        },
    }
}

#[inline]
fn mem_arg(reader: &mut Reader<'_>) -> Result<MemArg> {
    if let [align @ ..0x40, offset @ ..0x80, ..] = *reader.rest() {
        reader.bytes(2)?;
        return Ok(MemArg { align, offset: u64::from(offset), memory: 0 });
    }
    long_mem_arg(reader)
}

#[inline(never)]
fn long_mem_arg(reader: &mut Reader<'_>) -> Result<MemArg> {
    let at = reader.pos();
    let flags = reader.u32()?;
    let mut memory = 0;
    let mut align = flags;
    if flags & 0x40 != 0 && reader.features().has(Feature::MultiMemory) {
        align = flags & !0x40;
        memory = reader.u32()?;
    }
    if align >= 64 {
        return Err(Error::malformed("malformed memop flags", at));
    }
    let offset = if reader.features().has(Feature::Memory64) {
        reader.u64()?
    } else {
        u64::from(reader.u32()?)
    };
    Ok(MemArg { align: align as u8, offset, memory })
}

/// A memory index, which without multi-memory is a zero byte.
fn memory_index(reader: &mut Reader<'_>) -> Result<u32> {
    if reader.features().has(Feature::MultiMemory) {
        return reader.u32();
    }
    zero_byte(reader)
}

/// The table of a `call_indirect`, which without reference types is a zero byte.
fn table_index(reader: &mut Reader<'_>) -> Result<u32> {
    if reader.features().has(Feature::ReferenceTypes) {
        return reader.u32();
    }
    zero_byte(reader)
}

fn zero_byte(reader: &mut Reader<'_>) -> Result<u32> {
    let at = reader.pos();
    match reader.u8()? {
        0 => Ok(0),
        _ => Err(Error::malformed("zero byte expected", at)),
    }
}

fn br_table<'a>(reader: &mut Reader<'a>) -> Result<BrTable<'a>> {
    let count = reader.count("br_table targets", crate::limits::MAX_BR_TABLE)?;
    let labels = reader.clone();
    for _ in 0..count {
        reader.u32()?;
    }
    Ok(BrTable { reader: labels, count, default: reader.u32()? })
}

fn catch(reader: &mut Reader<'_>) -> Result<Catch> {
    let at = reader.pos();
    let kind = reader.u8()?;
    let tag = match kind {
        0 | 1 => Some(reader.u32()?),
        2 | 3 => None,
        _ => return Err(Error::malformed("malformed catch clause", at)),
    };
    Ok(Catch { tag, with_ref: kind & 1 == 1, label: reader.u32()? })
}

fn lane(reader: &mut Reader<'_>, count: u8) -> Result<u8> {
    let at = reader.pos();
    let lane = reader.u8()?;
    if lane >= count {
        return Err(Error::invalid("invalid lane index", at));
    }
    Ok(lane)
}

fn br_on_cast<'a>(reader: &mut Reader<'_>) -> Result<Imm<'a>> {
    let at = reader.pos();
    let flags = reader.u8()?;
    if flags > 3 {
        return Err(Error::malformed("malformed br_on_cast flags", at));
    }
    let label = reader.u32()?;
    let from = RefType::new(flags & 1 != 0, heap_type(reader)?);
    let to = RefType::new(flags & 2 != 0, heap_type(reader)?);
    Ok(Imm::BrOnCast { label, from, to })
}
