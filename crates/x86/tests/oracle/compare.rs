//! Ours, and what differs from the processor's.

use crate::case::{CODE, DATA, State, Test, WINDOW, WINDOW_SIZE};
use crate::host::Outcome;
use iced_x86::{Mnemonic, OpKind, RflagsBits};
use sampan_translated::Native;
use sampan_x86::translate::Options;
use sampan_x86::{Access, AddressSpace, Cpu, Exit, Fpu, Mode, Prot, Registers};
use std::collections::BTreeMap;

/// What differed, by instruction.
#[derive(Default)]
pub struct Failures(BTreeMap<String, (usize, String)>);

impl Failures {
    /// Panics if there was any.
    pub fn report(&self, cases: usize) {
        for (name, (count, first)) in &self.0 {
            eprintln!("{name}: {count} differ; first:\n{first}");
        }
        assert!(self.0.is_empty(), "{} kinds of instruction differ in {cases} cases", self.0.len());
    }
}

/// What executes a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Execution {
    Interpreted,
    Translated,
}

/// Runs a case and compares; whether it ran, for not everything is translated.
pub fn check(
    mode: Mode,
    execution: Execution,
    test: &Test,
    expected: &Outcome,
    failures: &mut Failures,
) -> bool {
    if is_undefined(test) || is_free(test, expected) {
        return false;
    }
    let Some((exit, after)) = run(mode, execution, test) else { return false };
    let mut differences = Vec::new();
    exits(test, &exit, expected, &mut differences);
    states(test, &after, &expected.after, &mut differences);
    if differences.is_empty() {
        return true;
    }
    let mut formatted =
        format!("  {:?} {:02x?}\n", test.instruction.code(), &test.code[..test.instruction.len()]);
    formatted += &format!("  before: gpr {:x?} flags {:x}\n", test.before.gpr, test.before.rflags);
    let fx = &test.before.fx;
    formatted += &format!("    fpu {:02x?} mxcsr {:02x?}\n", &fx[..5], &fx[24..28]);
    for difference in differences {
        formatted += &format!("  {difference}\n");
    }
    let entry =
        failures.0.entry(format!("{:?}", test.instruction.code())).or_insert((0, formatted));
    entry.0 += 1;
    true
}

fn run(mode: Mode, execution: Execution, test: &Test) -> Option<(Exit, State)> {
    let mut space = AddressSpace::new(1 << 32).expect("address space");
    let mut registers = Registers::new(mode);
    space.map_zero(CODE..CODE + 4096, Prot::READ | Prot::WRITE | Prot::EXEC).expect("mapped");
    space.map_zero(DATA..DATA + 4096, Prot::READ | Prot::WRITE).expect("mapped");
    space.poke(CODE, &test.code).expect("mapped");
    space.poke(DATA + WINDOW, &test.before.data).expect("mapped");
    registers.gpr = test.before.gpr;
    registers.rip = CODE;
    registers.rflags = test.before.rflags;
    let mut fpu = Fpu::new();
    assert!(fpu.fxrstor(&test.before.fx), "no reserved bits");
    registers.fpu = fpu;
    let mut cpu = Cpu::new();
    if execution == Execution::Translated {
        let options = Options { wait: true, ..Options::default() };
        assert!(cpu.translate(Native::create, &space, options));
        // Its only instruction may be one that is left to the interpreter.
        if !cpu.translate_at(mode, CODE as u32, &mut space) {
            return None;
        }
    }
    let exit = cpu.run(&mut registers, &mut space, 1_000_000);
    if execution == Execution::Translated {
        let counts = cpu.translated()?;
        // With the trap flag set each instruction is the interpreter's.
        assert!(counts.entered > 0 || registers.rflags & 0x100 != 0, "it was entered");
    }
    let mut data = [0; WINDOW_SIZE];
    space.peek(DATA + WINDOW, &mut data).expect("mapped");
    let after = State {
        gpr: registers.gpr,
        rip: registers.rip,
        rflags: registers.rflags,
        fx: registers.fpu.fxsave(),
        data,
    };
    Some((exit, after))
}

/// The exception's number, and for page faults its error code and address.
fn exits(test: &Test, exit: &Exit, expected: &Outcome, differences: &mut Vec<String>) {
    let trap = match exit {
        Exit::DivideError => 0,
        Exit::SingleStep => 1,
        Exit::Breakpoint => 3,
        Exit::Overflow => 4,
        Exit::BoundRange => 5,
        Exit::InvalidOpcode => 6,
        Exit::GeneralProtection => 13,
        Exit::Fault(_) => 14,
        Exit::X87Exception => 16,
        Exit::SimdException => 19,
        _ => 99,
    };
    // Through the stack pointer, a non-canonical address is a stack fault.
    let same = trap == expected.trap || (trap == 13 && expected.trap == 12);
    if !same {
        differences.push(format!("exit {exit:x?}, processor: exception {}", expected.trap));
        return;
    }
    if let Exit::Fault(fault) = exit {
        let write = expected.error & 2 != 0;
        if fault.addr != expected.cr2 || (fault.access == Access::Write) != write {
            let error = expected.error;
            differences.push(format!("{fault:x?}, processor: {:x} error {error:x}", expected.cr2));
        }
    }
    if trap == 3 && expected.after.rip != CODE + test.instruction.len() as u64 + 1 {
        differences.push(format!("processor stopped at {:x}", expected.after.rip));
    }
}

fn states(test: &Test, ours: &State, theirs: &State, differences: &mut Vec<String>) {
    for (i, (a, b)) in ours.gpr.iter().zip(&theirs.gpr).enumerate() {
        if a != b {
            differences.push(format!("gpr {i}: {a:x}, processor: {b:x}"));
        }
    }
    if ours.rip != theirs.rip {
        differences.push(format!("rip: {:x}, processor: {:x}", ours.rip, theirs.rip));
    }
    let mask = 0xcd5 & !undefined(test);
    if (ours.rflags ^ theirs.rflags) & mask != 0 {
        differences.push(format!(
            "flags: {:x}, processor: {:x} (mask {mask:x})",
            ours.rflags, theirs.rflags
        ));
    }
    for i in 0..WINDOW_SIZE {
        if ours.data[i] != theirs.data[i] {
            let end = (i + 16).min(WINDOW_SIZE);
            differences.push(format!(
                "data +{i}: {:02x?}, processor: {:02x?}",
                &ours.data[i..end],
                &theirs.data[i..end]
            ));
            break;
        }
    }
    // Some processors have left the x87 state when a conversion to MMX faults.
    let converts = matches!(
        test.instruction.mnemonic(),
        Mnemonic::Cvtps2pi | Mnemonic::Cvttps2pi | Mnemonic::Cvtpd2pi | Mnemonic::Cvttpd2pi
    );
    if !(converts && ours.rip == CODE) {
        floating_point(test, &ours.fx, &theirs.fx, differences);
    }
}

/// Whether processors may do it in an order of their own: which byte of a long operand faults,
/// and whether one that is not stored does.
fn is_free(test: &Test, expected: &Outcome) -> bool {
    expected.trap == 14
        && matches!(
            test.instruction.mnemonic(),
            Mnemonic::Fldenv
                | Mnemonic::Cmpsb
                | Mnemonic::Cmpsw
                | Mnemonic::Cmpsd
                | Mnemonic::Cmpsq
                | Mnemonic::Frstor
                | Mnemonic::Fxrstor
                | Mnemonic::Fxrstor64
                | Mnemonic::Maskmovdqu
                | Mnemonic::Maskmovq
        )
}

/// Whether the manual leaves the whole result undefined.
fn is_undefined(test: &Test) -> bool {
    let i = &test.instruction;
    let count = || match i.op_kind(2) {
        OpKind::Immediate8 => i.immediate8(),
        _ => test.before.gpr[1] as u8,
    };
    if i.mnemonic() == Mnemonic::Fyl2xp1 {
        // Beyond a quarter or so the manual promises nothing.
        return u16::from_le_bytes([test.before.fx[40], test.before.fx[41]]) & 0x7fff >= 0x3ffd;
    }
    let narrow = matches!(i.op1_register().size(), 2);
    matches!(i.mnemonic(), Mnemonic::Shld | Mnemonic::Shrd) && narrow && count() & 31 > 16
}

fn floating_point(
    test: &Test,
    ours: &[u8; 512],
    theirs: &[u8; 512],
    differences: &mut Vec<String>,
) {
    let word = |fx: &[u8; 512], at: usize| u16::from_le_bytes([fx[at], fx[at + 1]]);
    let estimate = is_transcendental(test.instruction.mnemonic());
    // Whether a result that nobody defines to the last bit was rounded up is anyone's.
    let status_mask = if estimate { !0x222 } else { 0xffff };
    for (name, at, mask) in
        [("control", 0, 0xffff), ("status", 2, status_mask), ("in use", 4, 0xff)]
    {
        let (a, b) = (word(ours, at), word(theirs, at));
        if (a ^ b) & mask != 0 {
            differences.push(format!("{name}: {a:x}, processor: {b:x}"));
        }
    }
    if ours[24..28] != theirs[24..28] {
        differences.push(format!("mxcsr: {:x?}, processor: {:x?}", &ours[24..28], &theirs[24..28]));
    }
    for i in 0..8 {
        let at = 32 + 16 * i;
        let (a, b) = (&ours[at..at + 10], &theirs[at..at + 10]);
        if a != b && !(estimate && is_close(a, b)) {
            differences.push(format!("st({i}): {a:02x?}, processor: {b:02x?}"));
        }
    }
    for i in 0..16 {
        let at = 160 + 16 * i;
        if ours[at..at + 16] != theirs[at..at + 16] {
            differences.push(format!(
                "xmm{i}: {:02x?}, processor: {:02x?}",
                &ours[at..at + 16],
                &theirs[at..at + 16]
            ));
        }
    }
}

/// The flags that the manual leaves undefined.
fn undefined(test: &Test) -> u64 {
    let bits = test.instruction.rflags_undefined();
    let table = [
        (RflagsBits::OF, 0x800),
        (RflagsBits::SF, 0x80),
        (RflagsBits::ZF, 0x40),
        (RflagsBits::AF, 0x10),
        (RflagsBits::CF, 1),
        (RflagsBits::PF, 4),
    ];
    table.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, mask)| mask).sum()
}

fn is_transcendental(mnemonic: Mnemonic) -> bool {
    matches!(
        mnemonic,
        Mnemonic::Fsin
            | Mnemonic::Fcos
            | Mnemonic::Fsincos
            | Mnemonic::Fptan
            | Mnemonic::Fpatan
            | Mnemonic::F2xm1
            | Mnemonic::Fyl2x
            | Mnemonic::Fyl2xp1
    )
}

/// Whether two extended numbers are neighbours.
fn is_close(a: &[u8], b: &[u8]) -> bool {
    let whole = |x: &[u8]| {
        let mut bytes = [0; 16];
        bytes[..10].copy_from_slice(x);
        // Without the explicit integer bit, so that neighbours are consecutive.
        let bits = u128::from_le_bytes(bytes);
        (bits >> 64 << 63) | (bits & ((1 << 63) - 1))
    };
    whole(a).abs_diff(whole(b)) <= 1
}
