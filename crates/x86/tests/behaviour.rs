//! What the kernel relies on beside the instructions: exact stops, page permissions, code that
//! changes, budgets, copies and shared pages.

use sampan_x86::{
    Access, AddressSpace, Cpu, Exit, Fault, Mode, Prot, Registers, SharedPages, SyscallKind, flags,
};

const CODE: u64 = 0x10_0000;
const DATA: u64 = 0x20_0000;

struct Machine {
    cpu: Cpu,
    space: AddressSpace,
    registers: Registers,
}

fn machine(mode: Mode, code: &[u8]) -> Machine {
    let mut space = AddressSpace::new(1 << 32).expect("address space");
    let all = Prot::READ | Prot::WRITE | Prot::EXEC;
    space.map_zero(CODE..CODE + 0x2000, all).expect("mapped");
    space.map_zero(DATA..DATA + 0x2000, Prot::READ | Prot::WRITE).expect("mapped");
    space.poke(CODE, code).expect("mapped");
    let mut registers = Registers::new(mode);
    registers.rip = CODE;
    registers.gpr[4] = DATA + 0x1000;
    Machine { cpu: Cpu::new(), space, registers }
}

impl Machine {
    fn run(&mut self, budget: u64) -> Exit {
        self.cpu.run(&mut self.registers, &mut self.space, budget)
    }
}

#[test]
fn system_calls_leave_behind_the_instruction() {
    let mut m = machine(Mode::Amd64, &[0x0f, 0x05]);
    assert_eq!(m.run(1000), Exit::Syscall(SyscallKind::Syscall));
    assert_eq!((m.registers.rip, m.registers.gpr[1]), (CODE + 2, CODE + 2));
    assert_eq!(m.registers.gpr[11], m.registers.rflags);
    let mut m = machine(Mode::I386, &[0xcd, 0x80]);
    assert_eq!(m.run(1000), Exit::Syscall(SyscallKind::Int80));
    assert_eq!(m.registers.rip, CODE + 2);
}

#[test]
fn a_fault_leaves_everything_as_before() {
    // inc eax; push [0x30000000]
    let mut m = machine(Mode::I386, &[0x40, 0xff, 0x35, 0, 0, 0, 0x30]);
    let fault = Fault { addr: 0x3000_0000, access: Access::Read, present: false };
    assert_eq!(m.run(1000), Exit::Fault(fault));
    assert_eq!(
        (m.registers.rip, m.registers.gpr[0], m.registers.gpr[4]),
        (CODE + 1, 1, DATA + 0x1000)
    );
    // It is made good, and goes on.
    m.space.map_zero(0x3000_0000..0x3000_1000, Prot::READ).expect("mapped");
    m.space.poke(0x3000_0000, &[7]).expect("mapped");
    m.space.poke(CODE + 7, &[0xcc]).expect("mapped");
    assert_eq!(m.run(1000), Exit::Breakpoint);
    assert_eq!(m.registers.gpr[4], DATA + 0xffc);
}

#[test]
fn an_instruction_goes_on_once_its_second_page_is_there() {
    // mov eax, 0x01020304, whose last two bytes are on a page that is not there yet.
    let mut m = machine(Mode::I386, &[]);
    let edge = CODE + 0x2000;
    m.space.poke(edge - 3, &[0xb8, 4, 3]).expect("mapped");
    m.registers.rip = edge - 3;
    let fault = Fault { addr: edge, access: Access::Execute, present: false };
    for _ in 0..2 {
        assert_eq!(m.run(1000), Exit::Fault(fault));
        assert_eq!(m.registers.rip, edge - 3);
    }
    m.space.map_zero(edge..edge + 0x1000, Prot::READ | Prot::EXEC).expect("mapped");
    m.space.poke(edge, &[2, 1, 0xcc]).expect("mapped");
    assert_eq!(m.run(1000), Exit::Breakpoint);
    assert_eq!((m.registers.rip, m.registers.gpr[0]), (edge + 3, 0x0102_0304));
}

#[test]
fn permissions_hold_at_once() {
    // mov [DATA], eax; jmp back
    let mut m = machine(Mode::I386, &[0xa3, 0, 0, 0x20, 0, 0xeb, 0xf9]);
    assert_eq!(m.run(1000), Exit::Budget);
    m.space.protect(DATA..DATA + 0x1000, Prot::READ).expect("mapped");
    let fault = Fault { addr: DATA, access: Access::Write, present: true };
    assert_eq!(m.run(1000), Exit::Fault(fault));
    m.space.protect(CODE..CODE + 0x1000, Prot::READ).expect("mapped");
    let fault = Fault { addr: m.registers.rip, access: Access::Execute, present: true };
    assert_eq!(m.run(1000), Exit::Fault(fault));
}

#[test]
fn an_instruction_may_change_the_next() {
    // mov byte [rip+0], 0xcc; nop: the store hits the nop.
    let mut m = machine(Mode::Amd64, &[0xc6, 0x05, 0, 0, 0, 0, 0xcc, 0x90, 0xf4]);
    assert_eq!(m.run(1000), Exit::Breakpoint);
    assert_eq!(m.registers.rip, CODE + 8);
}

#[test]
fn code_written_from_outside_is_seen() {
    let mut m = machine(Mode::I386, &[0x40, 0xeb, 0xfd]);
    assert_eq!(m.run(1000), Exit::Budget);
    m.space.poke(CODE, &[0xf4]).expect("mapped");
    assert_eq!(m.run(1000), Exit::GeneralProtection);
    assert_eq!(m.registers.rip, CODE);
}

#[test]
fn budgets_are_kept() {
    // inc eax; jmp back
    let mut m = machine(Mode::I386, &[0x40, 0xeb, 0xfd]);
    for budget in [1, 2, 7, 63, 64, 100, 5000] {
        let before = m.registers.gpr[0];
        assert_eq!(m.run(budget), Exit::Budget);
        let done = (m.registers.gpr[0] - before) * 2;
        assert!(done <= budget + 1, "{done} instructions of {budget}");
        assert!(m.cpu.executed() <= budget && m.cpu.executed() > 0);
    }
}

#[test]
fn a_long_copy_pauses_in_the_middle() {
    // rep stosb
    let mut m = machine(Mode::I386, &[0xf3, 0xaa, 0xcc]);
    m.space.map_zero(0x4000_0000..0x4100_0000, Prot::READ | Prot::WRITE).expect("mapped");
    (m.registers.gpr[1], m.registers.gpr[7], m.registers.gpr[0]) = (0x100_0000, 0x4000_0000, 0x5a);
    let mut pauses = 0;
    while m.run(2000) == Exit::Budget {
        assert_eq!(m.registers.gpr[1] + m.registers.gpr[7], 0x4100_0000);
        pauses += 1;
    }
    assert!(pauses > 10);
    assert_eq!((m.registers.gpr[1], m.registers.rip), (0, CODE + 3));
    let mut last = [0];
    m.space.read(0x40ff_ffff, &mut last).expect("mapped");
    assert_eq!(last, [0x5a]);
}

#[test]
fn single_steps() {
    let mut m = machine(Mode::I386, &[0x40, 0x40, 0x40]);
    m.registers.rflags |= flags::TF;
    for n in 1..3 {
        assert_eq!(m.run(1000), Exit::SingleStep);
        assert_eq!((m.registers.gpr[0], m.registers.rip), (n, CODE + n));
    }
}

#[test]
fn a_fork_is_a_copy() {
    let mut m = machine(Mode::I386, &[0x40, 0xcc]);
    m.space.write(DATA, &[1]).expect("mapped");
    let mut child = m.space.fork().expect("memory");
    assert_eq!(child.touched_pages(), m.space.touched_pages());
    child.write(DATA, &[2]).expect("mapped");
    let mut byte = [0];
    m.space.read(DATA, &mut byte).expect("mapped");
    assert_eq!(byte, [1]);
    let mut registers = m.registers.clone();
    assert_eq!(Cpu::new().run(&mut registers, &mut child, 1000), Exit::Breakpoint);
}

#[test]
fn shared_pages_have_one_content() {
    let pages = SharedPages::new(4).expect("shared pages");
    let mut first = AddressSpace::new(1 << 32).expect("address space");
    let prot = Prot::READ | Prot::WRITE;
    first.map_shared(DATA..DATA + 0x2000, prot, &pages, 1).expect("mapped");
    let mut second = first.fork().expect("memory");
    second.write(DATA + 0xfff, &[1, 2]).expect("mapped");
    let mut bytes = [0; 2];
    first.read(DATA + 0xfff, &mut bytes).expect("mapped");
    assert_eq!(bytes, [1, 2]);
    assert!(pages.read(0x1fff, &mut bytes));
    assert_eq!(bytes, [1, 2]);
    // Half of it goes; moved, the rest is still shared.
    first.unmap(DATA..DATA + 0x1000).expect("in range");
    first.move_pages(DATA + 0x1000..DATA + 0x2000, 0x5000_0000..0x5000_1000).expect("mapped");
    pages.write(0x2000, &[9]);
    first.read(0x5000_0000, &mut bytes[..1]).expect("mapped");
    assert_eq!(bytes[0], 9);
    assert_eq!(first.prot_at(DATA), None);
}

#[test]
fn discarded_pages_read_as_zero() {
    let mut m = machine(Mode::I386, &[]);
    m.space.write(DATA, &[1; 0x1800]).expect("mapped");
    let before = m.space.touched_pages();
    m.space.discard(DATA..DATA + 0x1000).expect("in range");
    let mut bytes = [5; 2];
    m.space.read(DATA + 0xfff, &mut bytes).expect("mapped");
    assert_eq!(bytes, [0, 1]);
    assert_eq!(m.space.touched_pages(), before - 1);
}
