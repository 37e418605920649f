//! Which instructions are translated, and what they do to the status flags.

use crate::cpu::{Conditional, conditional, general, memory_bytes};
use iced_x86::{CodeSize, Instruction, Mnemonic, OpKind, Register};

/// Whether the addresses of a string instruction are whole registers alone.
fn is_flat_string(i: &Instruction) -> bool {
    let flat = !matches!(i.memory_segment(), Register::FS | Register::GS);
    let whole = if i.code_size() == CodeSize::Code64 {
        [OpKind::MemorySegRSI, OpKind::MemoryESRDI]
    } else {
        [OpKind::MemorySegESI, OpKind::MemoryESEDI]
    };
    flat && (0..i.op_count())
        .all(|n| i.op_kind(n) == OpKind::Register || whole.contains(&i.op_kind(n)))
}

/// Whether it goes one way or the other as the direction flag says.
pub(super) fn looks_at_direction(i: &Instruction) -> bool {
    use Mnemonic as N;
    i.mnemonic() == N::Cld
        || matches!(i.mnemonic(), N::Movsb | N::Movsw | N::Movsd | N::Movsq)
        || matches!(i.mnemonic(), N::Stosb | N::Stosw | N::Stosd | N::Stosq)
}

/// Whether it is an instruction on whole SSE registers that is translated in some form.
pub(super) fn is_vector(i: &Instruction) -> bool {
    use Mnemonic as N;
    let has_register = (0..i.op_count())
        .any(|n| i.op_kind(n) == OpKind::Register && xmm(i.op_register(n)).is_some());
    if !has_register {
        return false;
    }
    if super::emit::binary(i.mnemonic()).is_some() || super::emit::shuffle(i).is_some() {
        return true;
    }
    match i.mnemonic() {
        N::Movaps
        | N::Movapd
        | N::Movdqa
        | N::Movups
        | N::Movupd
        | N::Movdqu
        | N::Lddqu
        | N::Movntps
        | N::Movntpd
        | N::Movntdq
        | N::Movss
        | N::Movsd
        | N::Movd
        | N::Movq
        | N::Movlps
        | N::Movlpd
        | N::Movhps
        | N::Movhpd
        | N::Pshufb
        | N::Pmulhw
        | N::Pmulhuw
        | N::Pmuludq
        | N::Pmovmskb
        | N::Movmskps
        | N::Movmskpd
        | N::Pinsrw
        | N::Pinsrd
        | N::Pinsrq
        | N::Pextrw
        | N::Pextrd
        | N::Pextrq
        | N::Pmovzxbw
        | N::Pmovzxwd
        | N::Pmovzxdq
        | N::Pmovsxbw
        | N::Pmovsxwd
        | N::Pmovsxdq => true,
        N::Psllw | N::Pslld | N::Psllq | N::Psrlw | N::Psrld | N::Psrlq | N::Psraw | N::Psrad => {
            i.op1_kind() == OpKind::Immediate8
        }
        _ => false,
    }
}

/// Whether it is an instruction of floating point that is translated.
pub(super) fn is_float(i: &Instruction) -> bool {
    use Mnemonic as N;
    matches!(
        i.mnemonic(),
        N::Addsd
            | N::Subsd
            | N::Mulsd
            | N::Divsd
            | N::Sqrtsd
            | N::Addss
            | N::Subss
            | N::Mulss
            | N::Divss
            | N::Sqrtss
            | N::Minsd
            | N::Maxsd
            | N::Minss
            | N::Maxss
            | N::Addpd
            | N::Subpd
            | N::Mulpd
            | N::Divpd
            | N::Addps
            | N::Subps
            | N::Mulps
            | N::Divps
            | N::Comisd
            | N::Ucomisd
            | N::Comiss
            | N::Ucomiss
            | N::Cvtsi2sd
            | N::Cvtsi2ss
            | N::Cvttsd2si
            | N::Cvttss2si
            | N::Cvtss2sd
            | N::Cvtsd2ss
            | N::Cvtdq2pd
    )
}

/// The number of an SSE register.
pub(super) fn xmm(register: Register) -> Option<u32> {
    let number = (register as u32).wrapping_sub(Register::XMM0 as u32);
    (number < 16).then_some(number)
}

/// What an instruction does to the status flags as a whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Effects {
    /// It reads some.
    pub reads: bool,
    /// It writes all six, whatever they were.
    pub writes_all: bool,
    /// It may leave in the middle, with everything as before: flags included.
    pub may_leave: bool,
}

/// What a known instruction does; `None` for others, which the interpreter executes.
pub(super) fn of(i: &Instruction) -> Option<Effects> {
    use Mnemonic as N;
    let memory = (0..i.op_count()).any(|n| i.op_kind(n) == OpKind::Memory);
    let effects = |reads, writes_all, may_leave| Some(Effects { reads, writes_all, may_leave });
    if condition(i).is_some() {
        return effects(true, false, memory);
    }
    if is_vector(i) {
        return effects(false, false, memory);
    }
    if is_float(i) {
        let compares = matches!(i.mnemonic(), N::Comisd | N::Comiss | N::Ucomisd | N::Ucomiss);
        return effects(false, compares, true);
    }
    match i.mnemonic() {
        N::Mov => {
            let general = (0..2)
                .all(|n| i.op_kind(n) != OpKind::Register || general(i.op_register(n)).is_some());
            if general { effects(false, false, memory) } else { None }
        }
        N::Movzx | N::Movsx | N::Movsxd | N::Not => effects(false, false, memory),
        N::Lea | N::Nop | N::Endbr32 | N::Endbr64 => effects(false, false, false),
        N::Cwd | N::Cdq | N::Cqo | N::Cbw | N::Cwde | N::Cdqe | N::Bswap => {
            effects(false, false, false)
        }
        N::Add | N::Sub | N::And | N::Or | N::Xor | N::Cmp | N::Test | N::Neg => {
            effects(false, true, memory)
        }
        N::Adc | N::Sbb => effects(true, true, memory),
        N::Inc | N::Dec => effects(true, false, memory),
        N::Shl | N::Sal | N::Shr | N::Sar => {
            let fixed = i.op_kind(1) != OpKind::Register && i.immediate(1) & 31 != 0;
            effects(!fixed, fixed, memory)
        }
        N::Bsf | N::Bsr | N::Tzcnt | N::Lzcnt | N::Popcnt => effects(false, true, memory),
        // Of memory the register would choose the address, too.
        N::Bt if !memory => effects(true, false, false),
        N::Rol | N::Ror | N::Bt if i.op_kind(1) != OpKind::Register => effects(true, false, memory),
        N::Shld | N::Shrd if i.op_kind(2) != OpKind::Register && !memory => {
            effects(false, i.immediate(2) & 31 != 0, memory)
        }
        N::Imul if i.op_count() > 1 => effects(false, true, memory),
        N::Mul | N::Imul => effects(false, true, memory),
        N::Div | N::Idiv => effects(false, false, true),
        N::Xchg => effects(false, false, memory),
        N::Xadd => effects(false, true, memory),
        N::Cmpxchg if memory && memory_bytes(i.memory_size()) >= 4 => effects(false, true, true),
        N::Cld => effects(false, false, true),
        N::Movsb | N::Movsw | N::Movsd | N::Movsq | N::Stosb | N::Stosw | N::Stosd | N::Stosq
            if is_flat_string(i) =>
        {
            effects(false, false, true)
        }
        N::Push | N::Pop => {
            let general = i.op_kind(0) != OpKind::Register || general(i.op_register(0)).is_some();
            // A pop into memory computes its address after the pop.
            let simple = i.mnemonic() == N::Push || !memory;
            if general && simple { effects(false, false, true) } else { None }
        }
        N::Leave => effects(false, false, true),
        N::Jmp if is_direct(i) => effects(false, false, false),
        N::Jmp | N::Call | N::Ret => effects(false, false, true),
        _ => None,
    }
}

/// How control goes on behind a known instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Flow {
    Next,
    Branch,
    Jump,
    Call,
    /// To an address that is computed, perhaps with a return address pushed.
    Computed,
    Return,
}

/// How control goes on.
pub(super) fn flow(i: &Instruction) -> Flow {
    match i.mnemonic() {
        Mnemonic::Jmp if is_direct(i) => Flow::Jump,
        Mnemonic::Call if is_direct(i) => Flow::Call,
        Mnemonic::Jmp | Mnemonic::Call => Flow::Computed,
        Mnemonic::Ret => Flow::Return,
        _ if matches!(conditional(i), Some(Conditional::Jump(_))) => Flow::Branch,
        _ => Flow::Next,
    }
}

/// Whether a branch's target is in the instruction.
fn is_direct(i: &Instruction) -> bool {
    matches!(i.op_kind(0), OpKind::NearBranch16 | OpKind::NearBranch32 | OpKind::NearBranch64)
}

/// The number of the condition that a jump, set or conditional move tests.
pub(super) fn condition(i: &Instruction) -> Option<u32> {
    match conditional(i)? {
        Conditional::Jump(n) | Conditional::Set(n) | Conditional::Move(n) => Some(n.into()),
    }
}

/// Whether it is a conditional move of general registers.
pub(super) fn is_move(i: &Instruction) -> bool {
    matches!(conditional(i), Some(Conditional::Move(_)))
}
