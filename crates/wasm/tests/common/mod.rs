//! Modules for tests, from text or from sections.
#![allow(dead_code)] // Each test file uses its part.

use wast::parser::{self, ParseBuffer};

/// The binary format of a module in text.
pub fn wat(text: &str) -> Vec<u8> {
    let buffer = ParseBuffer::new(text).expect("the text is well-formed");
    let module = parser::parse::<wast::Wat<'_>>(&buffer);
    module.and_then(|mut module| module.encode()).expect("the text is well-formed")
}

/// A module of sections given as identifier and content.
pub fn module(sections: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = b"\0asm\x01\0\0\0".to_vec();
    for (id, content) in sections {
        bytes.push(*id);
        bytes.extend(leb(content.len() as u32));
        bytes.extend(content);
    }
    bytes
}

/// A vector: the count, then the items.
pub fn vec(items: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let items: Vec<Vec<u8>> = items.into_iter().collect();
    let mut bytes = leb(items.len() as u32);
    items.iter().for_each(|item| bytes.extend(item));
    bytes
}

/// An unsigned LEB128.
pub fn leb(mut value: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}
