//! The opcode table: every instruction of WebAssembly 3.0 and of the proposals
//! that sampan knows, declared once.
//!
//! A row is `code Variant "text" Immediates Signature Feature;`
//!
//! - *code*: the opcode byte; a prefixed opcode is `page + sub-opcode`, where the
//!   page of prefix 0xFB is 0x100, of 0xFC 0x200, of 0xFD 0x300 and of 0xFE 0x500
//!   (0xFD has sub-opcodes up to 0x113 and so takes two pages).
//! - *Immediates*: see [`ImmKind`].
//! - *Signature*: `[operands -> result]` where it does not depend on context
//!   (`addr` is the address type of the accessed memory), else `[*]`.
//! - *Feature*: the proposal that brought the instruction.
//!
//! Rows of proposals that can be left out at build time and have a prefix of their own come
//! last, the largest at the very end: the tables at run time end with what is built in.
//!
//! The decoder, the validator, the disassembler and every execution engine use
//! [`Opcode`]. CONTRIBUTING.md says what else a new row needs.
//!
//! Source: WebAssembly core specification 3.0, appendix "Index of Instructions".

use crate::{Feature, Features};

/// What follows an opcode in the binary format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImmKind {
    /// Nothing.
    None,
    /// A block type.
    Block,
    /// A block type and a list of catch clauses.
    TryTable,
    /// A relative label.
    Label,
    /// A vector of labels and a default label.
    BrTable,
    /// A function index.
    Func,
    /// A type index.
    Type,
    /// A type index, then a table index.
    CallIndirect,
    /// A vector of exactly one value type.
    SelectType,
    /// A local index.
    Local,
    /// A global index.
    Global,
    /// A table index.
    Table,
    /// A tag index.
    Tag,
    /// Destination table, source table.
    TableCopy,
    /// Element segment, table.
    TableInit,
    /// An element segment index.
    Elem,
    /// A data segment index.
    Data,
    /// A memory index.
    Memory,
    /// Destination memory, source memory.
    MemoryCopy,
    /// Data segment, memory.
    MemoryInit,
    /// Alignment and offset; the number is log2 of the access' natural alignment.
    MemArg(u8),
    /// Like `MemArg`, but the alignment must be the natural one.
    AtomicMemArg(u8),
    /// Like `MemArg`, followed by a lane index below `16 >> n`.
    MemArgLane(u8),
    /// A lane index below the number.
    Lane(u8),
    /// Sixteen lane indices below 32.
    Shuffle,
    /// A signed LEB128 of 32 bits.
    I32,
    /// A signed LEB128 of 64 bits.
    I64,
    /// Four bytes, little-endian.
    F32,
    /// Eight bytes, little-endian.
    F64,
    /// Sixteen bytes.
    V128,
    /// A heap type.
    HeapType,
    /// A struct type, then a field index.
    Field,
    /// An array type, then a length.
    ArrayFixed,
    /// An array type, then a data segment.
    ArrayData,
    /// An array type, then an element segment.
    ArrayElem,
    /// Destination array type, source array type.
    ArrayCopy,
    /// Nullability flags, a label, and two heap types.
    BrOnCast,
    /// One zero byte.
    Fence,
}

/// The kind of an operand in a context-free signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The names are the specification's.
pub enum Operand {
    I32,
    I64,
    F32,
    F64,
    V128,
    /// i32 or i64: the address type of the memory that is accessed.
    Addr,
}

/// A signature that does not depend on context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    operands: [Operand; MOST_OPERANDS],
    count: u8,
    /// The result, if there is one.
    pub result: Option<Operand>,
}

/// How many operands a signature has at most.
const MOST_OPERANDS: usize = 3;

impl Signature {
    const fn new(params: &[Operand], result: Option<Operand>) -> Signature {
        let mut operands = [Operand::I32; MOST_OPERANDS];
        let mut i = 0;
        while i < params.len() {
            operands[i] = params[i];
            i += 1;
        }
        Signature { operands, count: i as u8, result }
    }

    /// Operands, the topmost last.
    #[inline]
    pub fn params(&self) -> &[Operand] {
        match self.count {
            0 => &[],
            1 => &self.operands[..1],
            2 => &self.operands[..2],
            _ => &self.operands,
        }
    }
}

macro_rules! operand {
    (i32) => {
        Operand::I32
    };
    (i64) => {
        Operand::I64
    };
    (f32) => {
        Operand::F32
    };
    (f64) => {
        Operand::F64
    };
    (v128) => {
        Operand::V128
    };
    (addr) => {
        Operand::Addr
    };
}

macro_rules! signature {
    (*) => { None };
    ($($p:ident)* ->) => { Some(Signature::new(&[$(operand!($p)),*], None)) };
    ($($p:ident)* -> $r:ident) => {
        Some(Signature::new(&[$(operand!($p)),*], Some(operand!($r))))
    };
}

macro_rules! opcodes {
    ($($code:literal $name:ident $text:literal $imm:ident $(($n:literal))? [$($sig:tt)*] $feature:ident;)*) => {
        /// An instruction of WebAssembly, without its immediates.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        #[allow(missing_docs)] // The names are the specification's.
        pub enum Opcode { $($name),* }

        const ALL: &[Opcode] = &[$(Opcode::$name),*];
        const CODES: &[u16] = &[$($code),*];
        const TEXTS: &[&str] = &[$($text),*];
        const ALL_IMMEDIATES: &[ImmKind] = &[$(ImmKind::$imm $(($n))?),*];
        const IMMEDIATES_AS_TEXTS: &[&str] = &[$(stringify!($imm $(($n))?)),*];
        const ALL_SIGNATURES: &[Option<Signature>] = &[$(signature!($($sig)*)),*];
        const ALL_FEATURES: &[Feature] = &[$(Feature::$feature),*];
    };
}

/// The prefixes: for each the first of its codes in the table's numbering, and one more
/// than its largest sub-opcode. One whose proposal is not built in has no codes.
const PAGES: [(u32, usize); 5] = [
    (0x000, 0xfb),
    (0x100, if cfg!(feature = "gc") { 0x1f } else { 0 }),
    (0x200, 0x17),
    (0x300, if cfg!(feature = "simd") { 0x114 } else { 0 }),
    (0x500, if cfg!(feature = "threads") { 0x4f } else { 0 }),
];

/// Where each page begins in [`DECODE`], and where the last one ends.
const STARTS: [usize; 6] = {
    let mut starts = [0; 6];
    let mut page = 0;
    while page < PAGES.len() {
        starts[page + 1] = starts[page] + PAGES[page].1;
        page += 1;
    }
    starts
};

/// Where a code is in [`DECODE`].
const fn place(code: u32) -> Option<usize> {
    let page = match code {
        0..0x100 => 0,
        0x100..0x200 => 1,
        0x200..0x300 => 2,
        0x300..0x500 => 3,
        _ => 4,
    };
    let sub = (code - PAGES[page].0) as usize;
    if sub < PAGES[page].1 { Some(STARTS[page] + sub) } else { None }
}

/// The number of an opcode, in as few bytes as those that are built in need.
#[cfg(any(feature = "gc", feature = "simd", feature = "threads"))]
type Number = u16;
/// The number of an opcode, in as few bytes as those that are built in need.
#[cfg(not(any(feature = "gc", feature = "simd", feature = "threads")))]
type Number = u8;

/// The number of the opcode at each place, or [`Number::MAX`].
static DECODE: [Number; STARTS[5]] = {
    assert!(BUILT < Number::MAX as usize, "numbers are too small");
    let mut map = [Number::MAX; STARTS[5]];
    let mut i = 0;
    while i < CODES.len() {
        if let Some(place) = place(CODES[i] as u32) {
            assert!(map[place] == Number::MAX, "two rows have the same code");
            map[place] = i as Number;
        }
        i += 1;
    }
    map
};

/// How many opcodes have properties at run time: those up to the last that is built in.
const BUILT: usize = {
    let mut count = 0;
    let mut i = 0;
    while i < CODES.len() {
        if place(CODES[i] as u32).is_some() {
            count = i + 1;
        }
        i += 1;
    }
    count
};

/// What opcodes have in common with others. There are few of these.
#[derive(Clone, Copy)]
struct Class {
    immediates: ImmKind,
    signature: Option<Signature>,
    feature: Feature,
}

/// Which of [`CLASSES`] each opcode has, without those that no opcode at run time has.
static CLASS: [u8; BUILT] = NUMBERS_AND_FIRSTS.0;
static CLASSES: [Class; NUMBERS_AND_FIRSTS.2] = {
    let mut classes = [class(0); NUMBERS_AND_FIRSTS.2];
    let mut i = 0;
    while i < classes.len() {
        classes[i] = class(NUMBERS_AND_FIRSTS.1[i]);
        i += 1;
    }
    classes
};

/// For each opcode the number of its class, for each number the first opcode that has it, and
/// how many there are.
const NUMBERS_AND_FIRSTS: ([u8; BUILT], [usize; 256], usize) = {
    let (mut numbers, mut firsts, mut count) = ([0; BUILT], [0; 256], 0);
    let mut i = 0;
    while i < BUILT {
        let mut number = 0;
        while number < count && !same(firsts[number], i) {
            number += 1;
        }
        if number == count {
            firsts[number] = i;
            count += 1;
        }
        numbers[i] = number as u8;
        i += 1;
    }
    assert!(count < 256, "the numbers of classes are bytes");
    (numbers, firsts, count)
};

/// The class of an opcode. Of one that is not built in, only the feature is ever asked.
const fn class(opcode: usize) -> Class {
    let feature = ALL_FEATURES[opcode];
    if !Features::BUILT.has(feature) {
        return Class { immediates: ImmKind::None, signature: None, feature };
    }
    let (immediates, signature) = (ALL_IMMEDIATES[opcode], ALL_SIGNATURES[opcode]);
    Class { immediates, signature, feature }
}

/// Whether opcodes have the same class.
const fn same(a: usize, b: usize) -> bool {
    let feature = ALL_FEATURES[a];
    feature as u8 == ALL_FEATURES[b] as u8
        && (!Features::BUILT.has(feature)
            || same_signature(&ALL_SIGNATURES[a], &ALL_SIGNATURES[b])
                && same_text(IMMEDIATES_AS_TEXTS[a].as_bytes(), IMMEDIATES_AS_TEXTS[b].as_bytes()))
}

const fn same_text(a: &[u8], b: &[u8]) -> bool {
    let mut same = a.len() == b.len();
    let mut i = 0;
    while same && i < a.len() {
        same = a[i] == b[i];
        i += 1;
    }
    same
}

const fn same_signature(a: &Option<Signature>, b: &Option<Signature>) -> bool {
    let (a, b) = match (a, b) {
        (Some(a), Some(b)) => (a, b),
        (None, None) => return true,
        _ => return false,
    };
    let results = match (a.result, b.result) {
        (Some(a), Some(b)) => a as u8 == b as u8,
        (None, None) => true,
        _ => false,
    };
    let mut same = results && a.count == b.count;
    let mut i = 0;
    while same && i < a.count as usize {
        same = a.operands[i] as u8 == b.operands[i] as u8;
        i += 1;
    }
    same
}

impl Opcode {
    /// Every opcode that is built in, in the order of the table.
    pub const ALL: &[Opcode] = ALL.split_at(BUILT).0;

    /// The opcode of a single byte, or of a prefix's page plus sub-opcode.
    #[inline]
    #[allow(unsafe_code)]
    #[allow(clippy::useless_conversion)] // Where numbers have two bytes.
    pub fn from_code(code: u32) -> Option<Opcode> {
        let number = DECODE[place(code)?];
        if number == Number::MAX {
            return None;
        }
        // SAFETY: a number of the table is that of an opcode.
        Some(unsafe { core::mem::transmute::<u16, Opcode>(number.into()) })
    }

    /// The page that a prefix byte selects, and the number of codes in it.
    #[inline]
    pub fn page(prefix: u8) -> Option<(u32, u32)> {
        match prefix {
            0xfb => Some((0x100, 0x100)),
            0xfc => Some((0x200, 0x100)),
            0xfd => Some((0x300, 0x200)),
            0xfe => Some((0x500, 0x50)),
            _ => None,
        }
    }

    /// The proposal that a prefix belongs to as a whole, if there is one.
    pub(crate) fn page_feature(prefix: u8) -> Option<Feature> {
        match prefix {
            0xfb => Some(Feature::Gc),
            0xfd => Some(Feature::Simd),
            0xfe => Some(Feature::Threads),
            _ => None,
        }
    }

    /// Whether this build has the proposal that the instruction belongs to.
    pub const fn is_built_in(self) -> bool {
        Features::BUILT.has(ALL_FEATURES[self as usize])
    }

    /// The code in the table's numbering.
    pub const fn code(self) -> u16 {
        CODES[self as usize]
    }

    /// The name in the text format.
    pub fn text(self) -> &'static str {
        TEXTS[self as usize]
    }

    /// What follows the opcode.
    #[inline]
    pub fn immediates(self) -> ImmKind {
        self.class().immediates
    }

    /// The signature, where it does not depend on context.
    #[inline]
    pub fn signature(self) -> Option<&'static Signature> {
        self.class().signature.as_ref()
    }

    /// The proposal that the instruction belongs to.
    #[inline]
    pub fn feature(self) -> Feature {
        self.class().feature
    }

    #[inline]
    fn class(self) -> &'static Class {
        &CLASSES[CLASS[self as usize] as usize]
    }
}

opcodes! {
    // Control.
    0x000 Unreachable "unreachable" None [*] Mvp;
    0x001 Nop "nop" None [->] Mvp;
    0x002 Block "block" Block [*] Mvp;
    0x003 Loop "loop" Block [*] Mvp;
    0x004 If "if" Block [*] Mvp;
    0x005 Else "else" None [*] Mvp;
    0x006 Try "try" Block [*] LegacyExceptions;
    0x007 Catch "catch" Tag [*] LegacyExceptions;
    0x008 Throw "throw" Tag [*] Exceptions;
    0x009 Rethrow "rethrow" Label [*] LegacyExceptions;
    0x00a ThrowRef "throw_ref" None [*] Exceptions;
    0x00b End "end" None [*] Mvp;
    0x00c Br "br" Label [*] Mvp;
    0x00d BrIf "br_if" Label [*] Mvp;
    0x00e BrTable "br_table" BrTable [*] Mvp;
    0x00f Return "return" None [*] Mvp;
    0x010 Call "call" Func [*] Mvp;
    0x011 CallIndirect "call_indirect" CallIndirect [*] Mvp;
    0x012 ReturnCall "return_call" Func [*] TailCall;
    0x013 ReturnCallIndirect "return_call_indirect" CallIndirect [*] TailCall;
    0x014 CallRef "call_ref" Type [*] FunctionReferences;
    0x015 ReturnCallRef "return_call_ref" Type [*] FunctionReferences;
    0x018 Delegate "delegate" Label [*] LegacyExceptions;
    0x019 CatchAll "catch_all" None [*] LegacyExceptions;
    0x01f TryTable "try_table" TryTable [*] Exceptions;

    // Parametric and variables.
    0x01a Drop "drop" None [*] Mvp;
    0x01b Select "select" None [*] Mvp;
    0x01c SelectTyped "select" SelectType [*] ReferenceTypes;
    0x020 LocalGet "local.get" Local [*] Mvp;
    0x021 LocalSet "local.set" Local [*] Mvp;
    0x022 LocalTee "local.tee" Local [*] Mvp;
    0x023 GlobalGet "global.get" Global [*] Mvp;
    0x024 GlobalSet "global.set" Global [*] Mvp;
    0x025 TableGet "table.get" Table [*] ReferenceTypes;
    0x026 TableSet "table.set" Table [*] ReferenceTypes;

    // Memory.
    0x028 I32Load "i32.load" MemArg(2) [addr -> i32] Mvp;
    0x029 I64Load "i64.load" MemArg(3) [addr -> i64] Mvp;
    0x02a F32Load "f32.load" MemArg(2) [addr -> f32] Float;
    0x02b F64Load "f64.load" MemArg(3) [addr -> f64] Float;
    0x02c I32Load8S "i32.load8_s" MemArg(0) [addr -> i32] Mvp;
    0x02d I32Load8U "i32.load8_u" MemArg(0) [addr -> i32] Mvp;
    0x02e I32Load16S "i32.load16_s" MemArg(1) [addr -> i32] Mvp;
    0x02f I32Load16U "i32.load16_u" MemArg(1) [addr -> i32] Mvp;
    0x030 I64Load8S "i64.load8_s" MemArg(0) [addr -> i64] Mvp;
    0x031 I64Load8U "i64.load8_u" MemArg(0) [addr -> i64] Mvp;
    0x032 I64Load16S "i64.load16_s" MemArg(1) [addr -> i64] Mvp;
    0x033 I64Load16U "i64.load16_u" MemArg(1) [addr -> i64] Mvp;
    0x034 I64Load32S "i64.load32_s" MemArg(2) [addr -> i64] Mvp;
    0x035 I64Load32U "i64.load32_u" MemArg(2) [addr -> i64] Mvp;
    0x036 I32Store "i32.store" MemArg(2) [addr i32 ->] Mvp;
    0x037 I64Store "i64.store" MemArg(3) [addr i64 ->] Mvp;
    0x038 F32Store "f32.store" MemArg(2) [addr f32 ->] Float;
    0x039 F64Store "f64.store" MemArg(3) [addr f64 ->] Float;
    0x03a I32Store8 "i32.store8" MemArg(0) [addr i32 ->] Mvp;
    0x03b I32Store16 "i32.store16" MemArg(1) [addr i32 ->] Mvp;
    0x03c I64Store8 "i64.store8" MemArg(0) [addr i64 ->] Mvp;
    0x03d I64Store16 "i64.store16" MemArg(1) [addr i64 ->] Mvp;
    0x03e I64Store32 "i64.store32" MemArg(2) [addr i64 ->] Mvp;
    0x03f MemorySize "memory.size" Memory [*] Mvp;
    0x040 MemoryGrow "memory.grow" Memory [*] Mvp;

    // Constants.
    0x041 I32Const "i32.const" I32 [-> i32] Mvp;
    0x042 I64Const "i64.const" I64 [-> i64] Mvp;
    0x043 F32Const "f32.const" F32 [-> f32] Float;
    0x044 F64Const "f64.const" F64 [-> f64] Float;

    // Integer and float arithmetic.
    0x045 I32Eqz "i32.eqz" None [i32 -> i32] Mvp;
    0x046 I32Eq "i32.eq" None [i32 i32 -> i32] Mvp;
    0x047 I32Ne "i32.ne" None [i32 i32 -> i32] Mvp;
    0x048 I32LtS "i32.lt_s" None [i32 i32 -> i32] Mvp;
    0x049 I32LtU "i32.lt_u" None [i32 i32 -> i32] Mvp;
    0x04a I32GtS "i32.gt_s" None [i32 i32 -> i32] Mvp;
    0x04b I32GtU "i32.gt_u" None [i32 i32 -> i32] Mvp;
    0x04c I32LeS "i32.le_s" None [i32 i32 -> i32] Mvp;
    0x04d I32LeU "i32.le_u" None [i32 i32 -> i32] Mvp;
    0x04e I32GeS "i32.ge_s" None [i32 i32 -> i32] Mvp;
    0x04f I32GeU "i32.ge_u" None [i32 i32 -> i32] Mvp;
    0x050 I64Eqz "i64.eqz" None [i64 -> i32] Mvp;
    0x051 I64Eq "i64.eq" None [i64 i64 -> i32] Mvp;
    0x052 I64Ne "i64.ne" None [i64 i64 -> i32] Mvp;
    0x053 I64LtS "i64.lt_s" None [i64 i64 -> i32] Mvp;
    0x054 I64LtU "i64.lt_u" None [i64 i64 -> i32] Mvp;
    0x055 I64GtS "i64.gt_s" None [i64 i64 -> i32] Mvp;
    0x056 I64GtU "i64.gt_u" None [i64 i64 -> i32] Mvp;
    0x057 I64LeS "i64.le_s" None [i64 i64 -> i32] Mvp;
    0x058 I64LeU "i64.le_u" None [i64 i64 -> i32] Mvp;
    0x059 I64GeS "i64.ge_s" None [i64 i64 -> i32] Mvp;
    0x05a I64GeU "i64.ge_u" None [i64 i64 -> i32] Mvp;
    0x05b F32Eq "f32.eq" None [f32 f32 -> i32] Float;
    0x05c F32Ne "f32.ne" None [f32 f32 -> i32] Float;
    0x05d F32Lt "f32.lt" None [f32 f32 -> i32] Float;
    0x05e F32Gt "f32.gt" None [f32 f32 -> i32] Float;
    0x05f F32Le "f32.le" None [f32 f32 -> i32] Float;
    0x060 F32Ge "f32.ge" None [f32 f32 -> i32] Float;
    0x061 F64Eq "f64.eq" None [f64 f64 -> i32] Float;
    0x062 F64Ne "f64.ne" None [f64 f64 -> i32] Float;
    0x063 F64Lt "f64.lt" None [f64 f64 -> i32] Float;
    0x064 F64Gt "f64.gt" None [f64 f64 -> i32] Float;
    0x065 F64Le "f64.le" None [f64 f64 -> i32] Float;
    0x066 F64Ge "f64.ge" None [f64 f64 -> i32] Float;
    0x067 I32Clz "i32.clz" None [i32 -> i32] Mvp;
    0x068 I32Ctz "i32.ctz" None [i32 -> i32] Mvp;
    0x069 I32Popcnt "i32.popcnt" None [i32 -> i32] Mvp;
    0x06a I32Add "i32.add" None [i32 i32 -> i32] Mvp;
    0x06b I32Sub "i32.sub" None [i32 i32 -> i32] Mvp;
    0x06c I32Mul "i32.mul" None [i32 i32 -> i32] Mvp;
    0x06d I32DivS "i32.div_s" None [i32 i32 -> i32] Mvp;
    0x06e I32DivU "i32.div_u" None [i32 i32 -> i32] Mvp;
    0x06f I32RemS "i32.rem_s" None [i32 i32 -> i32] Mvp;
    0x070 I32RemU "i32.rem_u" None [i32 i32 -> i32] Mvp;
    0x071 I32And "i32.and" None [i32 i32 -> i32] Mvp;
    0x072 I32Or "i32.or" None [i32 i32 -> i32] Mvp;
    0x073 I32Xor "i32.xor" None [i32 i32 -> i32] Mvp;
    0x074 I32Shl "i32.shl" None [i32 i32 -> i32] Mvp;
    0x075 I32ShrS "i32.shr_s" None [i32 i32 -> i32] Mvp;
    0x076 I32ShrU "i32.shr_u" None [i32 i32 -> i32] Mvp;
    0x077 I32Rotl "i32.rotl" None [i32 i32 -> i32] Mvp;
    0x078 I32Rotr "i32.rotr" None [i32 i32 -> i32] Mvp;
    0x079 I64Clz "i64.clz" None [i64 -> i64] Mvp;
    0x07a I64Ctz "i64.ctz" None [i64 -> i64] Mvp;
    0x07b I64Popcnt "i64.popcnt" None [i64 -> i64] Mvp;
    0x07c I64Add "i64.add" None [i64 i64 -> i64] Mvp;
    0x07d I64Sub "i64.sub" None [i64 i64 -> i64] Mvp;
    0x07e I64Mul "i64.mul" None [i64 i64 -> i64] Mvp;
    0x07f I64DivS "i64.div_s" None [i64 i64 -> i64] Mvp;
    0x080 I64DivU "i64.div_u" None [i64 i64 -> i64] Mvp;
    0x081 I64RemS "i64.rem_s" None [i64 i64 -> i64] Mvp;
    0x082 I64RemU "i64.rem_u" None [i64 i64 -> i64] Mvp;
    0x083 I64And "i64.and" None [i64 i64 -> i64] Mvp;
    0x084 I64Or "i64.or" None [i64 i64 -> i64] Mvp;
    0x085 I64Xor "i64.xor" None [i64 i64 -> i64] Mvp;
    0x086 I64Shl "i64.shl" None [i64 i64 -> i64] Mvp;
    0x087 I64ShrS "i64.shr_s" None [i64 i64 -> i64] Mvp;
    0x088 I64ShrU "i64.shr_u" None [i64 i64 -> i64] Mvp;
    0x089 I64Rotl "i64.rotl" None [i64 i64 -> i64] Mvp;
    0x08a I64Rotr "i64.rotr" None [i64 i64 -> i64] Mvp;
    0x08b F32Abs "f32.abs" None [f32 -> f32] Float;
    0x08c F32Neg "f32.neg" None [f32 -> f32] Float;
    0x08d F32Ceil "f32.ceil" None [f32 -> f32] Float;
    0x08e F32Floor "f32.floor" None [f32 -> f32] Float;
    0x08f F32Trunc "f32.trunc" None [f32 -> f32] Float;
    0x090 F32Nearest "f32.nearest" None [f32 -> f32] Float;
    0x091 F32Sqrt "f32.sqrt" None [f32 -> f32] Float;
    0x092 F32Add "f32.add" None [f32 f32 -> f32] Float;
    0x093 F32Sub "f32.sub" None [f32 f32 -> f32] Float;
    0x094 F32Mul "f32.mul" None [f32 f32 -> f32] Float;
    0x095 F32Div "f32.div" None [f32 f32 -> f32] Float;
    0x096 F32Min "f32.min" None [f32 f32 -> f32] Float;
    0x097 F32Max "f32.max" None [f32 f32 -> f32] Float;
    0x098 F32Copysign "f32.copysign" None [f32 f32 -> f32] Float;
    0x099 F64Abs "f64.abs" None [f64 -> f64] Float;
    0x09a F64Neg "f64.neg" None [f64 -> f64] Float;
    0x09b F64Ceil "f64.ceil" None [f64 -> f64] Float;
    0x09c F64Floor "f64.floor" None [f64 -> f64] Float;
    0x09d F64Trunc "f64.trunc" None [f64 -> f64] Float;
    0x09e F64Nearest "f64.nearest" None [f64 -> f64] Float;
    0x09f F64Sqrt "f64.sqrt" None [f64 -> f64] Float;
    0x0a0 F64Add "f64.add" None [f64 f64 -> f64] Float;
    0x0a1 F64Sub "f64.sub" None [f64 f64 -> f64] Float;
    0x0a2 F64Mul "f64.mul" None [f64 f64 -> f64] Float;
    0x0a3 F64Div "f64.div" None [f64 f64 -> f64] Float;
    0x0a4 F64Min "f64.min" None [f64 f64 -> f64] Float;
    0x0a5 F64Max "f64.max" None [f64 f64 -> f64] Float;
    0x0a6 F64Copysign "f64.copysign" None [f64 f64 -> f64] Float;
    0x0a7 I32WrapI64 "i32.wrap_i64" None [i64 -> i32] Mvp;
    0x0a8 I32TruncF32S "i32.trunc_f32_s" None [f32 -> i32] Float;
    0x0a9 I32TruncF32U "i32.trunc_f32_u" None [f32 -> i32] Float;
    0x0aa I32TruncF64S "i32.trunc_f64_s" None [f64 -> i32] Float;
    0x0ab I32TruncF64U "i32.trunc_f64_u" None [f64 -> i32] Float;
    0x0ac I64ExtendI32S "i64.extend_i32_s" None [i32 -> i64] Mvp;
    0x0ad I64ExtendI32U "i64.extend_i32_u" None [i32 -> i64] Mvp;
    0x0ae I64TruncF32S "i64.trunc_f32_s" None [f32 -> i64] Float;
    0x0af I64TruncF32U "i64.trunc_f32_u" None [f32 -> i64] Float;
    0x0b0 I64TruncF64S "i64.trunc_f64_s" None [f64 -> i64] Float;
    0x0b1 I64TruncF64U "i64.trunc_f64_u" None [f64 -> i64] Float;
    0x0b2 F32ConvertI32S "f32.convert_i32_s" None [i32 -> f32] Float;
    0x0b3 F32ConvertI32U "f32.convert_i32_u" None [i32 -> f32] Float;
    0x0b4 F32ConvertI64S "f32.convert_i64_s" None [i64 -> f32] Float;
    0x0b5 F32ConvertI64U "f32.convert_i64_u" None [i64 -> f32] Float;
    0x0b6 F32DemoteF64 "f32.demote_f64" None [f64 -> f32] Float;
    0x0b7 F64ConvertI32S "f64.convert_i32_s" None [i32 -> f64] Float;
    0x0b8 F64ConvertI32U "f64.convert_i32_u" None [i32 -> f64] Float;
    0x0b9 F64ConvertI64S "f64.convert_i64_s" None [i64 -> f64] Float;
    0x0ba F64ConvertI64U "f64.convert_i64_u" None [i64 -> f64] Float;
    0x0bb F64PromoteF32 "f64.promote_f32" None [f32 -> f64] Float;
    0x0bc I32ReinterpretF32 "i32.reinterpret_f32" None [f32 -> i32] Float;
    0x0bd I64ReinterpretF64 "i64.reinterpret_f64" None [f64 -> i64] Float;
    0x0be F32ReinterpretI32 "f32.reinterpret_i32" None [i32 -> f32] Float;
    0x0bf F64ReinterpretI64 "f64.reinterpret_i64" None [i64 -> f64] Float;
    0x0c0 I32Extend8S "i32.extend8_s" None [i32 -> i32] SignExtension;
    0x0c1 I32Extend16S "i32.extend16_s" None [i32 -> i32] SignExtension;
    0x0c2 I64Extend8S "i64.extend8_s" None [i64 -> i64] SignExtension;
    0x0c3 I64Extend16S "i64.extend16_s" None [i64 -> i64] SignExtension;
    0x0c4 I64Extend32S "i64.extend32_s" None [i64 -> i64] SignExtension;

    // References.
    0x0d0 RefNull "ref.null" HeapType [*] ReferenceTypes;
    0x0d1 RefIsNull "ref.is_null" None [*] ReferenceTypes;
    0x0d2 RefFunc "ref.func" Func [*] ReferenceTypes;
    0x0d3 RefEq "ref.eq" None [*] Gc;
    0x0d4 RefAsNonNull "ref.as_non_null" None [*] FunctionReferences;
    0x0d5 BrOnNull "br_on_null" Label [*] FunctionReferences;
    0x0d6 BrOnNonNull "br_on_non_null" Label [*] FunctionReferences;

    // Saturating conversions, bulk memory, wide arithmetic: prefix 0xFC.
    0x200 I32TruncSatF32S "i32.trunc_sat_f32_s" None [f32 -> i32] SaturatingFloatToInt;
    0x201 I32TruncSatF32U "i32.trunc_sat_f32_u" None [f32 -> i32] SaturatingFloatToInt;
    0x202 I32TruncSatF64S "i32.trunc_sat_f64_s" None [f64 -> i32] SaturatingFloatToInt;
    0x203 I32TruncSatF64U "i32.trunc_sat_f64_u" None [f64 -> i32] SaturatingFloatToInt;
    0x204 I64TruncSatF32S "i64.trunc_sat_f32_s" None [f32 -> i64] SaturatingFloatToInt;
    0x205 I64TruncSatF32U "i64.trunc_sat_f32_u" None [f32 -> i64] SaturatingFloatToInt;
    0x206 I64TruncSatF64S "i64.trunc_sat_f64_s" None [f64 -> i64] SaturatingFloatToInt;
    0x207 I64TruncSatF64U "i64.trunc_sat_f64_u" None [f64 -> i64] SaturatingFloatToInt;
    0x208 MemoryInit "memory.init" MemoryInit [*] BulkMemory;
    0x209 DataDrop "data.drop" Data [*] BulkMemory;
    0x20a MemoryCopy "memory.copy" MemoryCopy [*] BulkMemory;
    0x20b MemoryFill "memory.fill" Memory [*] BulkMemory;
    0x20c TableInit "table.init" TableInit [*] BulkMemory;
    0x20d ElemDrop "elem.drop" Elem [*] BulkMemory;
    0x20e TableCopy "table.copy" TableCopy [*] BulkMemory;
    0x20f TableGrow "table.grow" Table [*] ReferenceTypes;
    0x210 TableSize "table.size" Table [*] ReferenceTypes;
    0x211 TableFill "table.fill" Table [*] ReferenceTypes;
    0x213 I64Add128 "i64.add128" None [*] WideArithmetic;
    0x214 I64Sub128 "i64.sub128" None [*] WideArithmetic;
    0x215 I64MulWideS "i64.mul_wide_s" None [*] WideArithmetic;
    0x216 I64MulWideU "i64.mul_wide_u" None [*] WideArithmetic;

    // Garbage collection: prefix 0xFB.
    0x100 StructNew "struct.new" Type [*] Gc;
    0x101 StructNewDefault "struct.new_default" Type [*] Gc;
    0x102 StructGet "struct.get" Field [*] Gc;
    0x103 StructGetS "struct.get_s" Field [*] Gc;
    0x104 StructGetU "struct.get_u" Field [*] Gc;
    0x105 StructSet "struct.set" Field [*] Gc;
    0x106 ArrayNew "array.new" Type [*] Gc;
    0x107 ArrayNewDefault "array.new_default" Type [*] Gc;
    0x108 ArrayNewFixed "array.new_fixed" ArrayFixed [*] Gc;
    0x109 ArrayNewData "array.new_data" ArrayData [*] Gc;
    0x10a ArrayNewElem "array.new_elem" ArrayElem [*] Gc;
    0x10b ArrayGet "array.get" Type [*] Gc;
    0x10c ArrayGetS "array.get_s" Type [*] Gc;
    0x10d ArrayGetU "array.get_u" Type [*] Gc;
    0x10e ArraySet "array.set" Type [*] Gc;
    0x10f ArrayLen "array.len" None [*] Gc;
    0x110 ArrayFill "array.fill" Type [*] Gc;
    0x111 ArrayCopy "array.copy" ArrayCopy [*] Gc;
    0x112 ArrayInitData "array.init_data" ArrayData [*] Gc;
    0x113 ArrayInitElem "array.init_elem" ArrayElem [*] Gc;
    0x114 RefTest "ref.test" HeapType [*] Gc;
    0x115 RefTestNull "ref.test null" HeapType [*] Gc;
    0x116 RefCast "ref.cast" HeapType [*] Gc;
    0x117 RefCastNull "ref.cast null" HeapType [*] Gc;
    0x118 BrOnCast "br_on_cast" BrOnCast [*] Gc;
    0x119 BrOnCastFail "br_on_cast_fail" BrOnCast [*] Gc;
    0x11a AnyConvertExtern "any.convert_extern" None [*] Gc;
    0x11b ExternConvertAny "extern.convert_any" None [*] Gc;
    0x11c RefI31 "ref.i31" None [*] Gc;
    0x11d I31GetS "i31.get_s" None [*] Gc;
    0x11e I31GetU "i31.get_u" None [*] Gc;

    // Atomics: prefix 0xFE.
    0x500 MemoryAtomicNotify "memory.atomic.notify" AtomicMemArg(2) [addr i32 -> i32] Threads;
    0x501 MemoryAtomicWait32 "memory.atomic.wait32" AtomicMemArg(2) [addr i32 i64 -> i32] Threads;
    0x502 MemoryAtomicWait64 "memory.atomic.wait64" AtomicMemArg(3) [addr i64 i64 -> i32] Threads;
    0x503 AtomicFence "atomic.fence" Fence [->] Threads;
    0x510 I32AtomicLoad "i32.atomic.load" AtomicMemArg(2) [addr -> i32] Threads;
    0x511 I64AtomicLoad "i64.atomic.load" AtomicMemArg(3) [addr -> i64] Threads;
    0x512 I32AtomicLoad8U "i32.atomic.load8_u" AtomicMemArg(0) [addr -> i32] Threads;
    0x513 I32AtomicLoad16U "i32.atomic.load16_u" AtomicMemArg(1) [addr -> i32] Threads;
    0x514 I64AtomicLoad8U "i64.atomic.load8_u" AtomicMemArg(0) [addr -> i64] Threads;
    0x515 I64AtomicLoad16U "i64.atomic.load16_u" AtomicMemArg(1) [addr -> i64] Threads;
    0x516 I64AtomicLoad32U "i64.atomic.load32_u" AtomicMemArg(2) [addr -> i64] Threads;
    0x517 I32AtomicStore "i32.atomic.store" AtomicMemArg(2) [addr i32 ->] Threads;
    0x518 I64AtomicStore "i64.atomic.store" AtomicMemArg(3) [addr i64 ->] Threads;
    0x519 I32AtomicStore8 "i32.atomic.store8" AtomicMemArg(0) [addr i32 ->] Threads;
    0x51a I32AtomicStore16 "i32.atomic.store16" AtomicMemArg(1) [addr i32 ->] Threads;
    0x51b I64AtomicStore8 "i64.atomic.store8" AtomicMemArg(0) [addr i64 ->] Threads;
    0x51c I64AtomicStore16 "i64.atomic.store16" AtomicMemArg(1) [addr i64 ->] Threads;
    0x51d I64AtomicStore32 "i64.atomic.store32" AtomicMemArg(2) [addr i64 ->] Threads;
    0x51e I32AtomicRmwAdd "i32.atomic.rmw.add" AtomicMemArg(2) [addr i32 -> i32] Threads;
    0x51f I64AtomicRmwAdd "i64.atomic.rmw.add" AtomicMemArg(3) [addr i64 -> i64] Threads;
    0x520 I32AtomicRmw8AddU "i32.atomic.rmw8.add_u" AtomicMemArg(0) [addr i32 -> i32] Threads;
    0x521 I32AtomicRmw16AddU "i32.atomic.rmw16.add_u" AtomicMemArg(1) [addr i32 -> i32] Threads;
    0x522 I64AtomicRmw8AddU "i64.atomic.rmw8.add_u" AtomicMemArg(0) [addr i64 -> i64] Threads;
    0x523 I64AtomicRmw16AddU "i64.atomic.rmw16.add_u" AtomicMemArg(1) [addr i64 -> i64] Threads;
    0x524 I64AtomicRmw32AddU "i64.atomic.rmw32.add_u" AtomicMemArg(2) [addr i64 -> i64] Threads;
    0x525 I32AtomicRmwSub "i32.atomic.rmw.sub" AtomicMemArg(2) [addr i32 -> i32] Threads;
    0x526 I64AtomicRmwSub "i64.atomic.rmw.sub" AtomicMemArg(3) [addr i64 -> i64] Threads;
    0x527 I32AtomicRmw8SubU "i32.atomic.rmw8.sub_u" AtomicMemArg(0) [addr i32 -> i32] Threads;
    0x528 I32AtomicRmw16SubU "i32.atomic.rmw16.sub_u" AtomicMemArg(1) [addr i32 -> i32] Threads;
    0x529 I64AtomicRmw8SubU "i64.atomic.rmw8.sub_u" AtomicMemArg(0) [addr i64 -> i64] Threads;
    0x52a I64AtomicRmw16SubU "i64.atomic.rmw16.sub_u" AtomicMemArg(1) [addr i64 -> i64] Threads;
    0x52b I64AtomicRmw32SubU "i64.atomic.rmw32.sub_u" AtomicMemArg(2) [addr i64 -> i64] Threads;
    0x52c I32AtomicRmwAnd "i32.atomic.rmw.and" AtomicMemArg(2) [addr i32 -> i32] Threads;
    0x52d I64AtomicRmwAnd "i64.atomic.rmw.and" AtomicMemArg(3) [addr i64 -> i64] Threads;
    0x52e I32AtomicRmw8AndU "i32.atomic.rmw8.and_u" AtomicMemArg(0) [addr i32 -> i32] Threads;
    0x52f I32AtomicRmw16AndU "i32.atomic.rmw16.and_u" AtomicMemArg(1) [addr i32 -> i32] Threads;
    0x530 I64AtomicRmw8AndU "i64.atomic.rmw8.and_u" AtomicMemArg(0) [addr i64 -> i64] Threads;
    0x531 I64AtomicRmw16AndU "i64.atomic.rmw16.and_u" AtomicMemArg(1) [addr i64 -> i64] Threads;
    0x532 I64AtomicRmw32AndU "i64.atomic.rmw32.and_u" AtomicMemArg(2) [addr i64 -> i64] Threads;
    0x533 I32AtomicRmwOr "i32.atomic.rmw.or" AtomicMemArg(2) [addr i32 -> i32] Threads;
    0x534 I64AtomicRmwOr "i64.atomic.rmw.or" AtomicMemArg(3) [addr i64 -> i64] Threads;
    0x535 I32AtomicRmw8OrU "i32.atomic.rmw8.or_u" AtomicMemArg(0) [addr i32 -> i32] Threads;
    0x536 I32AtomicRmw16OrU "i32.atomic.rmw16.or_u" AtomicMemArg(1) [addr i32 -> i32] Threads;
    0x537 I64AtomicRmw8OrU "i64.atomic.rmw8.or_u" AtomicMemArg(0) [addr i64 -> i64] Threads;
    0x538 I64AtomicRmw16OrU "i64.atomic.rmw16.or_u" AtomicMemArg(1) [addr i64 -> i64] Threads;
    0x539 I64AtomicRmw32OrU "i64.atomic.rmw32.or_u" AtomicMemArg(2) [addr i64 -> i64] Threads;
    0x53a I32AtomicRmwXor "i32.atomic.rmw.xor" AtomicMemArg(2) [addr i32 -> i32] Threads;
    0x53b I64AtomicRmwXor "i64.atomic.rmw.xor" AtomicMemArg(3) [addr i64 -> i64] Threads;
    0x53c I32AtomicRmw8XorU "i32.atomic.rmw8.xor_u" AtomicMemArg(0) [addr i32 -> i32] Threads;
    0x53d I32AtomicRmw16XorU "i32.atomic.rmw16.xor_u" AtomicMemArg(1) [addr i32 -> i32] Threads;
    0x53e I64AtomicRmw8XorU "i64.atomic.rmw8.xor_u" AtomicMemArg(0) [addr i64 -> i64] Threads;
    0x53f I64AtomicRmw16XorU "i64.atomic.rmw16.xor_u" AtomicMemArg(1) [addr i64 -> i64] Threads;
    0x540 I64AtomicRmw32XorU "i64.atomic.rmw32.xor_u" AtomicMemArg(2) [addr i64 -> i64] Threads;
    0x541 I32AtomicRmwXchg "i32.atomic.rmw.xchg" AtomicMemArg(2) [addr i32 -> i32] Threads;
    0x542 I64AtomicRmwXchg "i64.atomic.rmw.xchg" AtomicMemArg(3) [addr i64 -> i64] Threads;
    0x543 I32AtomicRmw8XchgU "i32.atomic.rmw8.xchg_u" AtomicMemArg(0) [addr i32 -> i32] Threads;
    0x544 I32AtomicRmw16XchgU "i32.atomic.rmw16.xchg_u" AtomicMemArg(1) [addr i32 -> i32] Threads;
    0x545 I64AtomicRmw8XchgU "i64.atomic.rmw8.xchg_u" AtomicMemArg(0) [addr i64 -> i64] Threads;
    0x546 I64AtomicRmw16XchgU "i64.atomic.rmw16.xchg_u" AtomicMemArg(1) [addr i64 -> i64] Threads;
    0x547 I64AtomicRmw32XchgU "i64.atomic.rmw32.xchg_u" AtomicMemArg(2) [addr i64 -> i64] Threads;
    0x548 I32AtomicRmwCmpxchg "i32.atomic.rmw.cmpxchg" AtomicMemArg(2) [addr i32 i32 -> i32] Threads;
    0x549 I64AtomicRmwCmpxchg "i64.atomic.rmw.cmpxchg" AtomicMemArg(3) [addr i64 i64 -> i64] Threads;
    0x54a I32AtomicRmw8CmpxchgU "i32.atomic.rmw8.cmpxchg_u" AtomicMemArg(0) [addr i32 i32 -> i32] Threads;
    0x54b I32AtomicRmw16CmpxchgU "i32.atomic.rmw16.cmpxchg_u" AtomicMemArg(1) [addr i32 i32 -> i32] Threads;
    0x54c I64AtomicRmw8CmpxchgU "i64.atomic.rmw8.cmpxchg_u" AtomicMemArg(0) [addr i64 i64 -> i64] Threads;
    0x54d I64AtomicRmw16CmpxchgU "i64.atomic.rmw16.cmpxchg_u" AtomicMemArg(1) [addr i64 i64 -> i64] Threads;
    0x54e I64AtomicRmw32CmpxchgU "i64.atomic.rmw32.cmpxchg_u" AtomicMemArg(2) [addr i64 i64 -> i64] Threads;

    // 128-bit operations: prefix 0xFD.
    0x300 V128Load "v128.load" MemArg(4) [addr -> v128] Simd;
    0x301 V128Load8x8S "v128.load8x8_s" MemArg(3) [addr -> v128] Simd;
    0x302 V128Load8x8U "v128.load8x8_u" MemArg(3) [addr -> v128] Simd;
    0x303 V128Load16x4S "v128.load16x4_s" MemArg(3) [addr -> v128] Simd;
    0x304 V128Load16x4U "v128.load16x4_u" MemArg(3) [addr -> v128] Simd;
    0x305 V128Load32x2S "v128.load32x2_s" MemArg(3) [addr -> v128] Simd;
    0x306 V128Load32x2U "v128.load32x2_u" MemArg(3) [addr -> v128] Simd;
    0x307 V128Load8Splat "v128.load8_splat" MemArg(0) [addr -> v128] Simd;
    0x308 V128Load16Splat "v128.load16_splat" MemArg(1) [addr -> v128] Simd;
    0x309 V128Load32Splat "v128.load32_splat" MemArg(2) [addr -> v128] Simd;
    0x30a V128Load64Splat "v128.load64_splat" MemArg(3) [addr -> v128] Simd;
    0x30b V128Store "v128.store" MemArg(4) [addr v128 ->] Simd;
    0x30c V128Const "v128.const" V128 [-> v128] Simd;
    0x30d I8x16Shuffle "i8x16.shuffle" Shuffle [v128 v128 -> v128] Simd;
    0x30e I8x16Swizzle "i8x16.swizzle" None [v128 v128 -> v128] Simd;
    0x30f I8x16Splat "i8x16.splat" None [i32 -> v128] Simd;
    0x310 I16x8Splat "i16x8.splat" None [i32 -> v128] Simd;
    0x311 I32x4Splat "i32x4.splat" None [i32 -> v128] Simd;
    0x312 I64x2Splat "i64x2.splat" None [i64 -> v128] Simd;
    0x313 F32x4Splat "f32x4.splat" None [f32 -> v128] Simd;
    0x314 F64x2Splat "f64x2.splat" None [f64 -> v128] Simd;
    0x315 I8x16ExtractLaneS "i8x16.extract_lane_s" Lane(16) [v128 -> i32] Simd;
    0x316 I8x16ExtractLaneU "i8x16.extract_lane_u" Lane(16) [v128 -> i32] Simd;
    0x317 I8x16ReplaceLane "i8x16.replace_lane" Lane(16) [v128 i32 -> v128] Simd;
    0x318 I16x8ExtractLaneS "i16x8.extract_lane_s" Lane(8) [v128 -> i32] Simd;
    0x319 I16x8ExtractLaneU "i16x8.extract_lane_u" Lane(8) [v128 -> i32] Simd;
    0x31a I16x8ReplaceLane "i16x8.replace_lane" Lane(8) [v128 i32 -> v128] Simd;
    0x31b I32x4ExtractLane "i32x4.extract_lane" Lane(4) [v128 -> i32] Simd;
    0x31c I32x4ReplaceLane "i32x4.replace_lane" Lane(4) [v128 i32 -> v128] Simd;
    0x31d I64x2ExtractLane "i64x2.extract_lane" Lane(2) [v128 -> i64] Simd;
    0x31e I64x2ReplaceLane "i64x2.replace_lane" Lane(2) [v128 i64 -> v128] Simd;
    0x31f F32x4ExtractLane "f32x4.extract_lane" Lane(4) [v128 -> f32] Simd;
    0x320 F32x4ReplaceLane "f32x4.replace_lane" Lane(4) [v128 f32 -> v128] Simd;
    0x321 F64x2ExtractLane "f64x2.extract_lane" Lane(2) [v128 -> f64] Simd;
    0x322 F64x2ReplaceLane "f64x2.replace_lane" Lane(2) [v128 f64 -> v128] Simd;
    0x323 I8x16Eq "i8x16.eq" None [v128 v128 -> v128] Simd;
    0x324 I8x16Ne "i8x16.ne" None [v128 v128 -> v128] Simd;
    0x325 I8x16LtS "i8x16.lt_s" None [v128 v128 -> v128] Simd;
    0x326 I8x16LtU "i8x16.lt_u" None [v128 v128 -> v128] Simd;
    0x327 I8x16GtS "i8x16.gt_s" None [v128 v128 -> v128] Simd;
    0x328 I8x16GtU "i8x16.gt_u" None [v128 v128 -> v128] Simd;
    0x329 I8x16LeS "i8x16.le_s" None [v128 v128 -> v128] Simd;
    0x32a I8x16LeU "i8x16.le_u" None [v128 v128 -> v128] Simd;
    0x32b I8x16GeS "i8x16.ge_s" None [v128 v128 -> v128] Simd;
    0x32c I8x16GeU "i8x16.ge_u" None [v128 v128 -> v128] Simd;
    0x32d I16x8Eq "i16x8.eq" None [v128 v128 -> v128] Simd;
    0x32e I16x8Ne "i16x8.ne" None [v128 v128 -> v128] Simd;
    0x32f I16x8LtS "i16x8.lt_s" None [v128 v128 -> v128] Simd;
    0x330 I16x8LtU "i16x8.lt_u" None [v128 v128 -> v128] Simd;
    0x331 I16x8GtS "i16x8.gt_s" None [v128 v128 -> v128] Simd;
    0x332 I16x8GtU "i16x8.gt_u" None [v128 v128 -> v128] Simd;
    0x333 I16x8LeS "i16x8.le_s" None [v128 v128 -> v128] Simd;
    0x334 I16x8LeU "i16x8.le_u" None [v128 v128 -> v128] Simd;
    0x335 I16x8GeS "i16x8.ge_s" None [v128 v128 -> v128] Simd;
    0x336 I16x8GeU "i16x8.ge_u" None [v128 v128 -> v128] Simd;
    0x337 I32x4Eq "i32x4.eq" None [v128 v128 -> v128] Simd;
    0x338 I32x4Ne "i32x4.ne" None [v128 v128 -> v128] Simd;
    0x339 I32x4LtS "i32x4.lt_s" None [v128 v128 -> v128] Simd;
    0x33a I32x4LtU "i32x4.lt_u" None [v128 v128 -> v128] Simd;
    0x33b I32x4GtS "i32x4.gt_s" None [v128 v128 -> v128] Simd;
    0x33c I32x4GtU "i32x4.gt_u" None [v128 v128 -> v128] Simd;
    0x33d I32x4LeS "i32x4.le_s" None [v128 v128 -> v128] Simd;
    0x33e I32x4LeU "i32x4.le_u" None [v128 v128 -> v128] Simd;
    0x33f I32x4GeS "i32x4.ge_s" None [v128 v128 -> v128] Simd;
    0x340 I32x4GeU "i32x4.ge_u" None [v128 v128 -> v128] Simd;
    0x341 F32x4Eq "f32x4.eq" None [v128 v128 -> v128] Simd;
    0x342 F32x4Ne "f32x4.ne" None [v128 v128 -> v128] Simd;
    0x343 F32x4Lt "f32x4.lt" None [v128 v128 -> v128] Simd;
    0x344 F32x4Gt "f32x4.gt" None [v128 v128 -> v128] Simd;
    0x345 F32x4Le "f32x4.le" None [v128 v128 -> v128] Simd;
    0x346 F32x4Ge "f32x4.ge" None [v128 v128 -> v128] Simd;
    0x347 F64x2Eq "f64x2.eq" None [v128 v128 -> v128] Simd;
    0x348 F64x2Ne "f64x2.ne" None [v128 v128 -> v128] Simd;
    0x349 F64x2Lt "f64x2.lt" None [v128 v128 -> v128] Simd;
    0x34a F64x2Gt "f64x2.gt" None [v128 v128 -> v128] Simd;
    0x34b F64x2Le "f64x2.le" None [v128 v128 -> v128] Simd;
    0x34c F64x2Ge "f64x2.ge" None [v128 v128 -> v128] Simd;
    0x34d V128Not "v128.not" None [v128 -> v128] Simd;
    0x34e V128And "v128.and" None [v128 v128 -> v128] Simd;
    0x34f V128Andnot "v128.andnot" None [v128 v128 -> v128] Simd;
    0x350 V128Or "v128.or" None [v128 v128 -> v128] Simd;
    0x351 V128Xor "v128.xor" None [v128 v128 -> v128] Simd;
    0x352 V128Bitselect "v128.bitselect" None [v128 v128 v128 -> v128] Simd;
    0x353 V128AnyTrue "v128.any_true" None [v128 -> i32] Simd;
    0x354 V128Load8Lane "v128.load8_lane" MemArgLane(0) [addr v128 -> v128] Simd;
    0x355 V128Load16Lane "v128.load16_lane" MemArgLane(1) [addr v128 -> v128] Simd;
    0x356 V128Load32Lane "v128.load32_lane" MemArgLane(2) [addr v128 -> v128] Simd;
    0x357 V128Load64Lane "v128.load64_lane" MemArgLane(3) [addr v128 -> v128] Simd;
    0x358 V128Store8Lane "v128.store8_lane" MemArgLane(0) [addr v128 ->] Simd;
    0x359 V128Store16Lane "v128.store16_lane" MemArgLane(1) [addr v128 ->] Simd;
    0x35a V128Store32Lane "v128.store32_lane" MemArgLane(2) [addr v128 ->] Simd;
    0x35b V128Store64Lane "v128.store64_lane" MemArgLane(3) [addr v128 ->] Simd;
    0x35c V128Load32Zero "v128.load32_zero" MemArg(2) [addr -> v128] Simd;
    0x35d V128Load64Zero "v128.load64_zero" MemArg(3) [addr -> v128] Simd;
    0x35e F32x4DemoteF64x2Zero "f32x4.demote_f64x2_zero" None [v128 -> v128] Simd;
    0x35f F64x2PromoteLowF32x4 "f64x2.promote_low_f32x4" None [v128 -> v128] Simd;
    0x360 I8x16Abs "i8x16.abs" None [v128 -> v128] Simd;
    0x361 I8x16Neg "i8x16.neg" None [v128 -> v128] Simd;
    0x362 I8x16Popcnt "i8x16.popcnt" None [v128 -> v128] Simd;
    0x363 I8x16AllTrue "i8x16.all_true" None [v128 -> i32] Simd;
    0x364 I8x16Bitmask "i8x16.bitmask" None [v128 -> i32] Simd;
    0x365 I8x16NarrowI16x8S "i8x16.narrow_i16x8_s" None [v128 v128 -> v128] Simd;
    0x366 I8x16NarrowI16x8U "i8x16.narrow_i16x8_u" None [v128 v128 -> v128] Simd;
    0x367 F32x4Ceil "f32x4.ceil" None [v128 -> v128] Simd;
    0x368 F32x4Floor "f32x4.floor" None [v128 -> v128] Simd;
    0x369 F32x4Trunc "f32x4.trunc" None [v128 -> v128] Simd;
    0x36a F32x4Nearest "f32x4.nearest" None [v128 -> v128] Simd;
    0x36b I8x16Shl "i8x16.shl" None [v128 i32 -> v128] Simd;
    0x36c I8x16ShrS "i8x16.shr_s" None [v128 i32 -> v128] Simd;
    0x36d I8x16ShrU "i8x16.shr_u" None [v128 i32 -> v128] Simd;
    0x36e I8x16Add "i8x16.add" None [v128 v128 -> v128] Simd;
    0x36f I8x16AddSatS "i8x16.add_sat_s" None [v128 v128 -> v128] Simd;
    0x370 I8x16AddSatU "i8x16.add_sat_u" None [v128 v128 -> v128] Simd;
    0x371 I8x16Sub "i8x16.sub" None [v128 v128 -> v128] Simd;
    0x372 I8x16SubSatS "i8x16.sub_sat_s" None [v128 v128 -> v128] Simd;
    0x373 I8x16SubSatU "i8x16.sub_sat_u" None [v128 v128 -> v128] Simd;
    0x374 F64x2Ceil "f64x2.ceil" None [v128 -> v128] Simd;
    0x375 F64x2Floor "f64x2.floor" None [v128 -> v128] Simd;
    0x376 I8x16MinS "i8x16.min_s" None [v128 v128 -> v128] Simd;
    0x377 I8x16MinU "i8x16.min_u" None [v128 v128 -> v128] Simd;
    0x378 I8x16MaxS "i8x16.max_s" None [v128 v128 -> v128] Simd;
    0x379 I8x16MaxU "i8x16.max_u" None [v128 v128 -> v128] Simd;
    0x37a F64x2Trunc "f64x2.trunc" None [v128 -> v128] Simd;
    0x37b I8x16AvgrU "i8x16.avgr_u" None [v128 v128 -> v128] Simd;
    0x37c I16x8ExtaddPairwiseI8x16S "i16x8.extadd_pairwise_i8x16_s" None [v128 -> v128] Simd;
    0x37d I16x8ExtaddPairwiseI8x16U "i16x8.extadd_pairwise_i8x16_u" None [v128 -> v128] Simd;
    0x37e I32x4ExtaddPairwiseI16x8S "i32x4.extadd_pairwise_i16x8_s" None [v128 -> v128] Simd;
    0x37f I32x4ExtaddPairwiseI16x8U "i32x4.extadd_pairwise_i16x8_u" None [v128 -> v128] Simd;
    0x380 I16x8Abs "i16x8.abs" None [v128 -> v128] Simd;
    0x381 I16x8Neg "i16x8.neg" None [v128 -> v128] Simd;
    0x382 I16x8Q15mulrSatS "i16x8.q15mulr_sat_s" None [v128 v128 -> v128] Simd;
    0x383 I16x8AllTrue "i16x8.all_true" None [v128 -> i32] Simd;
    0x384 I16x8Bitmask "i16x8.bitmask" None [v128 -> i32] Simd;
    0x385 I16x8NarrowI32x4S "i16x8.narrow_i32x4_s" None [v128 v128 -> v128] Simd;
    0x386 I16x8NarrowI32x4U "i16x8.narrow_i32x4_u" None [v128 v128 -> v128] Simd;
    0x387 I16x8ExtendLowI8x16S "i16x8.extend_low_i8x16_s" None [v128 -> v128] Simd;
    0x388 I16x8ExtendHighI8x16S "i16x8.extend_high_i8x16_s" None [v128 -> v128] Simd;
    0x389 I16x8ExtendLowI8x16U "i16x8.extend_low_i8x16_u" None [v128 -> v128] Simd;
    0x38a I16x8ExtendHighI8x16U "i16x8.extend_high_i8x16_u" None [v128 -> v128] Simd;
    0x38b I16x8Shl "i16x8.shl" None [v128 i32 -> v128] Simd;
    0x38c I16x8ShrS "i16x8.shr_s" None [v128 i32 -> v128] Simd;
    0x38d I16x8ShrU "i16x8.shr_u" None [v128 i32 -> v128] Simd;
    0x38e I16x8Add "i16x8.add" None [v128 v128 -> v128] Simd;
    0x38f I16x8AddSatS "i16x8.add_sat_s" None [v128 v128 -> v128] Simd;
    0x390 I16x8AddSatU "i16x8.add_sat_u" None [v128 v128 -> v128] Simd;
    0x391 I16x8Sub "i16x8.sub" None [v128 v128 -> v128] Simd;
    0x392 I16x8SubSatS "i16x8.sub_sat_s" None [v128 v128 -> v128] Simd;
    0x393 I16x8SubSatU "i16x8.sub_sat_u" None [v128 v128 -> v128] Simd;
    0x394 F64x2Nearest "f64x2.nearest" None [v128 -> v128] Simd;
    0x395 I16x8Mul "i16x8.mul" None [v128 v128 -> v128] Simd;
    0x396 I16x8MinS "i16x8.min_s" None [v128 v128 -> v128] Simd;
    0x397 I16x8MinU "i16x8.min_u" None [v128 v128 -> v128] Simd;
    0x398 I16x8MaxS "i16x8.max_s" None [v128 v128 -> v128] Simd;
    0x399 I16x8MaxU "i16x8.max_u" None [v128 v128 -> v128] Simd;
    0x39b I16x8AvgrU "i16x8.avgr_u" None [v128 v128 -> v128] Simd;
    0x39c I16x8ExtmulLowI8x16S "i16x8.extmul_low_i8x16_s" None [v128 v128 -> v128] Simd;
    0x39d I16x8ExtmulHighI8x16S "i16x8.extmul_high_i8x16_s" None [v128 v128 -> v128] Simd;
    0x39e I16x8ExtmulLowI8x16U "i16x8.extmul_low_i8x16_u" None [v128 v128 -> v128] Simd;
    0x39f I16x8ExtmulHighI8x16U "i16x8.extmul_high_i8x16_u" None [v128 v128 -> v128] Simd;
    0x3a0 I32x4Abs "i32x4.abs" None [v128 -> v128] Simd;
    0x3a1 I32x4Neg "i32x4.neg" None [v128 -> v128] Simd;
    0x3a3 I32x4AllTrue "i32x4.all_true" None [v128 -> i32] Simd;
    0x3a4 I32x4Bitmask "i32x4.bitmask" None [v128 -> i32] Simd;
    0x3a7 I32x4ExtendLowI16x8S "i32x4.extend_low_i16x8_s" None [v128 -> v128] Simd;
    0x3a8 I32x4ExtendHighI16x8S "i32x4.extend_high_i16x8_s" None [v128 -> v128] Simd;
    0x3a9 I32x4ExtendLowI16x8U "i32x4.extend_low_i16x8_u" None [v128 -> v128] Simd;
    0x3aa I32x4ExtendHighI16x8U "i32x4.extend_high_i16x8_u" None [v128 -> v128] Simd;
    0x3ab I32x4Shl "i32x4.shl" None [v128 i32 -> v128] Simd;
    0x3ac I32x4ShrS "i32x4.shr_s" None [v128 i32 -> v128] Simd;
    0x3ad I32x4ShrU "i32x4.shr_u" None [v128 i32 -> v128] Simd;
    0x3ae I32x4Add "i32x4.add" None [v128 v128 -> v128] Simd;
    0x3b1 I32x4Sub "i32x4.sub" None [v128 v128 -> v128] Simd;
    0x3b5 I32x4Mul "i32x4.mul" None [v128 v128 -> v128] Simd;
    0x3b6 I32x4MinS "i32x4.min_s" None [v128 v128 -> v128] Simd;
    0x3b7 I32x4MinU "i32x4.min_u" None [v128 v128 -> v128] Simd;
    0x3b8 I32x4MaxS "i32x4.max_s" None [v128 v128 -> v128] Simd;
    0x3b9 I32x4MaxU "i32x4.max_u" None [v128 v128 -> v128] Simd;
    0x3ba I32x4DotI16x8S "i32x4.dot_i16x8_s" None [v128 v128 -> v128] Simd;
    0x3bc I32x4ExtmulLowI16x8S "i32x4.extmul_low_i16x8_s" None [v128 v128 -> v128] Simd;
    0x3bd I32x4ExtmulHighI16x8S "i32x4.extmul_high_i16x8_s" None [v128 v128 -> v128] Simd;
    0x3be I32x4ExtmulLowI16x8U "i32x4.extmul_low_i16x8_u" None [v128 v128 -> v128] Simd;
    0x3bf I32x4ExtmulHighI16x8U "i32x4.extmul_high_i16x8_u" None [v128 v128 -> v128] Simd;
    0x3c0 I64x2Abs "i64x2.abs" None [v128 -> v128] Simd;
    0x3c1 I64x2Neg "i64x2.neg" None [v128 -> v128] Simd;
    0x3c3 I64x2AllTrue "i64x2.all_true" None [v128 -> i32] Simd;
    0x3c4 I64x2Bitmask "i64x2.bitmask" None [v128 -> i32] Simd;
    0x3c7 I64x2ExtendLowI32x4S "i64x2.extend_low_i32x4_s" None [v128 -> v128] Simd;
    0x3c8 I64x2ExtendHighI32x4S "i64x2.extend_high_i32x4_s" None [v128 -> v128] Simd;
    0x3c9 I64x2ExtendLowI32x4U "i64x2.extend_low_i32x4_u" None [v128 -> v128] Simd;
    0x3ca I64x2ExtendHighI32x4U "i64x2.extend_high_i32x4_u" None [v128 -> v128] Simd;
    0x3cb I64x2Shl "i64x2.shl" None [v128 i32 -> v128] Simd;
    0x3cc I64x2ShrS "i64x2.shr_s" None [v128 i32 -> v128] Simd;
    0x3cd I64x2ShrU "i64x2.shr_u" None [v128 i32 -> v128] Simd;
    0x3ce I64x2Add "i64x2.add" None [v128 v128 -> v128] Simd;
    0x3d1 I64x2Sub "i64x2.sub" None [v128 v128 -> v128] Simd;
    0x3d5 I64x2Mul "i64x2.mul" None [v128 v128 -> v128] Simd;
    0x3d6 I64x2Eq "i64x2.eq" None [v128 v128 -> v128] Simd;
    0x3d7 I64x2Ne "i64x2.ne" None [v128 v128 -> v128] Simd;
    0x3d8 I64x2LtS "i64x2.lt_s" None [v128 v128 -> v128] Simd;
    0x3d9 I64x2GtS "i64x2.gt_s" None [v128 v128 -> v128] Simd;
    0x3da I64x2LeS "i64x2.le_s" None [v128 v128 -> v128] Simd;
    0x3db I64x2GeS "i64x2.ge_s" None [v128 v128 -> v128] Simd;
    0x3dc I64x2ExtmulLowI32x4S "i64x2.extmul_low_i32x4_s" None [v128 v128 -> v128] Simd;
    0x3dd I64x2ExtmulHighI32x4S "i64x2.extmul_high_i32x4_s" None [v128 v128 -> v128] Simd;
    0x3de I64x2ExtmulLowI32x4U "i64x2.extmul_low_i32x4_u" None [v128 v128 -> v128] Simd;
    0x3df I64x2ExtmulHighI32x4U "i64x2.extmul_high_i32x4_u" None [v128 v128 -> v128] Simd;
    0x3e0 F32x4Abs "f32x4.abs" None [v128 -> v128] Simd;
    0x3e1 F32x4Neg "f32x4.neg" None [v128 -> v128] Simd;
    0x3e3 F32x4Sqrt "f32x4.sqrt" None [v128 -> v128] Simd;
    0x3e4 F32x4Add "f32x4.add" None [v128 v128 -> v128] Simd;
    0x3e5 F32x4Sub "f32x4.sub" None [v128 v128 -> v128] Simd;
    0x3e6 F32x4Mul "f32x4.mul" None [v128 v128 -> v128] Simd;
    0x3e7 F32x4Div "f32x4.div" None [v128 v128 -> v128] Simd;
    0x3e8 F32x4Min "f32x4.min" None [v128 v128 -> v128] Simd;
    0x3e9 F32x4Max "f32x4.max" None [v128 v128 -> v128] Simd;
    0x3ea F32x4Pmin "f32x4.pmin" None [v128 v128 -> v128] Simd;
    0x3eb F32x4Pmax "f32x4.pmax" None [v128 v128 -> v128] Simd;
    0x3ec F64x2Abs "f64x2.abs" None [v128 -> v128] Simd;
    0x3ed F64x2Neg "f64x2.neg" None [v128 -> v128] Simd;
    0x3ef F64x2Sqrt "f64x2.sqrt" None [v128 -> v128] Simd;
    0x3f0 F64x2Add "f64x2.add" None [v128 v128 -> v128] Simd;
    0x3f1 F64x2Sub "f64x2.sub" None [v128 v128 -> v128] Simd;
    0x3f2 F64x2Mul "f64x2.mul" None [v128 v128 -> v128] Simd;
    0x3f3 F64x2Div "f64x2.div" None [v128 v128 -> v128] Simd;
    0x3f4 F64x2Min "f64x2.min" None [v128 v128 -> v128] Simd;
    0x3f5 F64x2Max "f64x2.max" None [v128 v128 -> v128] Simd;
    0x3f6 F64x2Pmin "f64x2.pmin" None [v128 v128 -> v128] Simd;
    0x3f7 F64x2Pmax "f64x2.pmax" None [v128 v128 -> v128] Simd;
    0x3f8 I32x4TruncSatF32x4S "i32x4.trunc_sat_f32x4_s" None [v128 -> v128] Simd;
    0x3f9 I32x4TruncSatF32x4U "i32x4.trunc_sat_f32x4_u" None [v128 -> v128] Simd;
    0x3fa F32x4ConvertI32x4S "f32x4.convert_i32x4_s" None [v128 -> v128] Simd;
    0x3fb F32x4ConvertI32x4U "f32x4.convert_i32x4_u" None [v128 -> v128] Simd;
    0x3fc I32x4TruncSatF64x2SZero "i32x4.trunc_sat_f64x2_s_zero" None [v128 -> v128] Simd;
    0x3fd I32x4TruncSatF64x2UZero "i32x4.trunc_sat_f64x2_u_zero" None [v128 -> v128] Simd;
    0x3fe F64x2ConvertLowI32x4S "f64x2.convert_low_i32x4_s" None [v128 -> v128] Simd;
    0x3ff F64x2ConvertLowI32x4U "f64x2.convert_low_i32x4_u" None [v128 -> v128] Simd;
    0x400 I8x16RelaxedSwizzle "i8x16.relaxed_swizzle" None [v128 v128 -> v128] RelaxedSimd;
    0x401 I32x4RelaxedTruncF32x4S "i32x4.relaxed_trunc_f32x4_s" None [v128 -> v128] RelaxedSimd;
    0x402 I32x4RelaxedTruncF32x4U "i32x4.relaxed_trunc_f32x4_u" None [v128 -> v128] RelaxedSimd;
    0x403 I32x4RelaxedTruncF64x2SZero "i32x4.relaxed_trunc_f64x2_s_zero" None [v128 -> v128] RelaxedSimd;
    0x404 I32x4RelaxedTruncF64x2UZero "i32x4.relaxed_trunc_f64x2_u_zero" None [v128 -> v128] RelaxedSimd;
    0x405 F32x4RelaxedMadd "f32x4.relaxed_madd" None [v128 v128 v128 -> v128] RelaxedSimd;
    0x406 F32x4RelaxedNmadd "f32x4.relaxed_nmadd" None [v128 v128 v128 -> v128] RelaxedSimd;
    0x407 F64x2RelaxedMadd "f64x2.relaxed_madd" None [v128 v128 v128 -> v128] RelaxedSimd;
    0x408 F64x2RelaxedNmadd "f64x2.relaxed_nmadd" None [v128 v128 v128 -> v128] RelaxedSimd;
    0x409 I8x16RelaxedLaneselect "i8x16.relaxed_laneselect" None [v128 v128 v128 -> v128] RelaxedSimd;
    0x40a I16x8RelaxedLaneselect "i16x8.relaxed_laneselect" None [v128 v128 v128 -> v128] RelaxedSimd;
    0x40b I32x4RelaxedLaneselect "i32x4.relaxed_laneselect" None [v128 v128 v128 -> v128] RelaxedSimd;
    0x40c I64x2RelaxedLaneselect "i64x2.relaxed_laneselect" None [v128 v128 v128 -> v128] RelaxedSimd;
    0x40d F32x4RelaxedMin "f32x4.relaxed_min" None [v128 v128 -> v128] RelaxedSimd;
    0x40e F32x4RelaxedMax "f32x4.relaxed_max" None [v128 v128 -> v128] RelaxedSimd;
    0x40f F64x2RelaxedMin "f64x2.relaxed_min" None [v128 v128 -> v128] RelaxedSimd;
    0x410 F64x2RelaxedMax "f64x2.relaxed_max" None [v128 v128 -> v128] RelaxedSimd;
    0x411 I16x8RelaxedQ15mulrS "i16x8.relaxed_q15mulr_s" None [v128 v128 -> v128] RelaxedSimd;
    0x412 I16x8RelaxedDotI8x16I7x16S "i16x8.relaxed_dot_i8x16_i7x16_s" None [v128 v128 -> v128] RelaxedSimd;
    0x413 I32x4RelaxedDotI8x16I7x16AddS "i32x4.relaxed_dot_i8x16_i7x16_add_s" None [v128 v128 v128 -> v128] RelaxedSimd;
}
