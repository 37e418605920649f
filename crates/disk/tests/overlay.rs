//! An overlay is like a device that is written, its base stays as it was, and an interruption
//! loses nothing that was flushed.

use sampan_disk::{Device, Error, Memory, Overlay, Result};

/// A device that takes only so many writes.
struct Stops {
    inner: Memory,
    writes_left: u64,
}

impl Device for Stops {
    fn size(&self) -> u64 {
        self.inner.size()
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        self.inner.read_at(offset, buffer)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.writes_left = self.writes_left.checked_sub(1).ok_or(Error::Io)?;
        self.inner.write_at(offset, bytes)
    }

    fn flush(&mut self) -> Result<()> {
        if self.writes_left == 0 { Err(Error::Io) } else { Ok(()) }
    }
}

fn next(state: &mut u64, below: u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % below
}

fn content<D: Device>(device: &mut D) -> Vec<u8> {
    let mut all = vec![0; device.size() as usize];
    device.read_at(0, &mut all).expect("read");
    all
}

#[test]
fn it_is_a_device_that_is_written() {
    let size = 300_001;
    let original: Vec<u8> = (0..size).map(|at| (at * 7 + at / 251) as u8).collect();
    for stop in (1..60).chain([100_000]) {
        let mut state = stop;
        let base = Memory::from(original.clone());
        let room = Overlay::<Memory, Stops>::size_for(size as u64);
        let changes = Stops { inner: Memory::new(room as usize), writes_left: stop + 1 };
        let mut overlay = Overlay::open(base, changes).map_err(|failed| failed.0).expect("opens");
        let (mut model, mut flushed) = (original.clone(), original.clone());
        // What each byte may be after an interruption: as flushed, or any later state.
        let mut later: Vec<Vec<u8>> = Vec::new();
        for _ in 0..200 {
            let at = next(&mut state, size as u64) as usize;
            let len = (next(&mut state, 20_000) as usize).min(size - at);
            let bytes = vec![next(&mut state, 256) as u8; len];
            later.push(model.clone());
            let written = overlay.write_at(at as u64, &bytes);
            model[at..at + len].copy_from_slice(&bytes);
            later.push(model.clone());
            if written.is_err() {
                break;
            }
            assert!(content(&mut overlay) == model);
            if next(&mut state, 4) == 0 {
                if overlay.flush().is_err() {
                    break;
                }
                flushed = model.clone();
                later.clear();
            }
        }
        let (base, changes) = overlay.into_parts();
        assert!(base.bytes() == original);
        let changes = Stops { inner: changes.inner, writes_left: u64::MAX };
        let mut again = Overlay::open(base, changes).map_err(|failed| failed.0).expect("opens");
        for (at, byte) in content(&mut again).into_iter().enumerate() {
            let known = byte == flushed[at] || later.iter().any(|state| state[at] == byte);
            assert!(known, "stop {stop}, byte {at}");
        }
    }
}

#[test]
fn changes_of_something_else_are_refused() {
    let room = Overlay::<Memory, Memory>::size_for(10_000) as usize;
    let overlay = Overlay::open(Memory::new(10_000), Memory::new(room));
    let (_, changes) = overlay.map_err(|failed| failed.0).expect("opens").into_parts();
    let other = Memory::from(vec![1; 10_000]);
    let refused = Overlay::open(other, changes.clone()).map(drop).map_err(|failed| failed.0);
    assert_eq!(refused, Err(Error::Invalid));
    let refused = Overlay::open(Memory::new(9_999), changes).map(drop).map_err(|failed| failed.0);
    assert_eq!(refused, Err(Error::Invalid));
    let refused = Overlay::open(Memory::new(10_000), Memory::new(room - 1));
    assert!(refused.is_err());
}
