//! That every instruction has a rule. The rules themselves are tested in `tests/`.

use super::body::Validator;
use super::frame::FrameKind;
use super::locals::Locals;
use crate::{BlockType, ErrorKind, Features, Instr, Module, Opcode, Reader};
use alloc::vec::Vec;

/// The bytes of `op`, with immediates that are zero where they can be.
fn encode(op: Opcode) -> Vec<u8> {
    let code = u32::from(op.code());
    let prefix = (0xfb..=0xfe).rev().find_map(|prefix| {
        Opcode::page(prefix).filter(|&(page, _)| code >= page).zip(Some(prefix))
    });
    let mut bytes = Vec::new();
    match prefix {
        Some(((page, _), prefix)) => {
            let sub = code - page;
            bytes.extend([prefix, sub as u8 | 0x80, (sub >> 7) as u8]);
        }
        None => bytes.push(code as u8),
    }
    if op == Opcode::SelectTyped {
        bytes.extend([1, 0x7f]);
    }
    bytes.extend([0; 16]);
    bytes
}

#[test]
fn every_instruction_has_a_rule() {
    let module = Module::default();
    for &op in Opcode::ALL {
        let bytes = encode(op);
        let mut reader = Reader::new(&bytes, 0..bytes.len(), Features::ALL);
        assert_eq!(reader.clone().instr().expect("decodes").op, op);
        let mut validator = Validator {
            module: &module,
            at: 0,
            base: 0,
            polymorphic: false,
            operand: None,
            ended: None,
            operands: crate::List::new(),
            frames: crate::List::new(),
            locals: Locals::default(),
        };
        validator.push_frame(FrameKind::Func, BlockType::Empty, true).expect("there is memory");
        validator.unreachable();
        if let Err(error) = validator.step(&mut reader, &mut Instr::NOP.clone()) {
            let known = !matches!(error.kind(), ErrorKind::UnknownOpcode(..));
            assert!(known, "{} has no rule", op.text());
        }
    }
}
