//! Devices keep what is written and refuse what is outside.

use sampan_disk::{Device, Error, FileDevice, Memory};

fn behaves(device: &mut dyn Device) {
    assert_eq!(device.size(), 10_000);
    device.write_at(4090, b"across a boundary").expect("inside");
    let mut back = [0; 17];
    device.read_at(4090, &mut back).expect("inside");
    assert_eq!(&back, b"across a boundary");
    assert_eq!(device.read_at(9990, &mut back), Err(Error::Io));
    assert_eq!(device.write_at(u64::MAX, b"xy"), Err(Error::Io));
    device.flush().expect("flush");
}

#[test]
fn memory() {
    behaves(&mut Memory::new(10_000));
}

#[test]
fn file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("disk");
    std::fs::write(&path, vec![0; 10_000]).expect("a file");
    behaves(&mut FileDevice::open(&path, false).expect("opens"));
    let mut shut = FileDevice::open(&path, true).expect("opens");
    assert!(shut.is_read_only());
    assert_eq!(shut.write_at(0, b"x"), Err(Error::ReadOnly));
    let mut back = [0; 6];
    shut.read_at(4090, &mut back).expect("inside");
    assert_eq!(&back, b"across");
}
