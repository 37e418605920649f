//! Where formatted text goes.

use crate::guest::slice;
use crate::{Stop, System};

/// Takes formatted text and counts it.
pub(crate) struct Out<'a> {
    pub memory: &'a mut [u8],
    system: &'a mut dyn System,
    /// The place in memory and the room there; `None` if it goes to the system.
    buffer: Option<(u32, u32)>,
    /// All bytes, those that found no room included.
    pub count: u64,
}

impl<'a> Out<'a> {
    pub fn to_system(memory: &'a mut [u8], system: &'a mut dyn System) -> Out<'a> {
        Out { memory, system, buffer: None, count: 0 }
    }

    /// Writes at most `room` bytes into the memory, and drops the rest.
    pub fn to_memory(
        memory: &'a mut [u8],
        system: &'a mut dyn System,
        at: u32,
        room: u32,
    ) -> Out<'a> {
        Out { memory, system, buffer: Some((at, room)), count: 0 }
    }

    pub fn bytes(&mut self, text: &[u8]) -> Result<(), Stop> {
        match self.target(text.len())? {
            Some((at, len)) => self.memory[at..at + len].copy_from_slice(&text[..len]),
            None => self.system.write(text),
        }
        self.count += text.len() as u64;
        Ok(())
    }

    pub fn byte(&mut self, byte: u8) -> Result<(), Stop> {
        self.bytes(&[byte])
    }

    /// The same byte many times.
    pub fn fill(&mut self, byte: u8, mut count: usize) -> Result<(), Stop> {
        while count > 0 {
            let part = count.min(16);
            self.bytes(&[byte; 16][..part])?;
            count -= part;
        }
        Ok(())
    }

    /// Text that is in the guest's memory.
    pub fn guest(&mut self, from: u32, len: u32) -> Result<(), Stop> {
        let text = slice(self.memory, from, len)?;
        let from = from as usize;
        match self.buffer {
            None => self.system.write(text),
            Some(_) => {
                if let Some((at, len)) = self.target(len as usize)? {
                    self.memory.copy_within(from..from + len, at);
                }
            }
        }
        self.count += u64::from(len);
        Ok(())
    }

    /// Where in the memory the next `len` bytes go, and how many of them.
    fn target(&self, len: usize) -> Result<Option<(usize, usize)>, Stop> {
        let Some((at, room)) = self.buffer else { return Ok(None) };
        let left = u64::from(room).saturating_sub(self.count).min(len as u64) as u32;
        if left == 0 {
            return Ok(Some((0, 0)));
        }
        let at = u32::try_from(u64::from(at) + self.count).map_err(|_| Stop::OutOfBounds)?;
        slice(self.memory, at, left)?;
        Ok(Some((at as usize, left as usize)))
    }
}
