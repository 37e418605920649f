//! File attributes in the layouts of both snapshots, and changed file times.

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cap_fs_ext::{MetadataExt, SystemTimeSpec};
use cap_std::fs::Metadata;
use cap_std::time::SystemTime as CapSystemTime;

use crate::clocks::nanoseconds;
use crate::types::{Filetype, fstflags};
use crate::{Abi, Errno, GuestMemory, sys};

/// `filestat`
pub(crate) struct Filestat {
    pub dev: u64,
    pub ino: u64,
    pub filetype: Filetype,
    pub nlink: u64,
    pub size: u64,
    pub atim: u64,
    pub mtim: u64,
    pub ctim: u64,
}

impl Filestat {
    pub fn of(metadata: &Metadata) -> Filestat {
        let time =
            |time: io::Result<CapSystemTime>| time.map_or(0, |time| nanoseconds(time.into_std()));
        Filestat {
            dev: metadata.dev(),
            ino: metadata.ino(),
            filetype: Filetype::of(metadata.file_type()),
            nlink: metadata.nlink(),
            size: metadata.len(),
            atim: time(metadata.accessed()),
            mtim: time(metadata.modified()),
            ctim: sys::change_time(metadata),
        }
    }

    /// For what is not a file of the host.
    pub fn without_file(filetype: Filetype) -> Filestat {
        Filestat { dev: 0, ino: 0, filetype, nlink: 0, size: 0, atim: 0, mtim: 0, ctim: 0 }
    }

    /// The size in the guest's memory.
    pub fn size_of(abi: Abi) -> u32 {
        match abi {
            Abi::Preview1 => 64,
            Abi::Unstable => 56,
        }
    }

    pub fn write(&self, abi: Abi, mem: &mut GuestMemory<'_>, ptr: u32) -> Result<(), Errno> {
        let mut bytes = [0; 64];
        let mut put = |at: usize, value: u64| {
            bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        };
        put(0, self.dev);
        put(8, self.ino);
        put(16, self.filetype as u64);
        let times_at = match abi {
            Abi::Preview1 => {
                put(24, self.nlink);
                put(32, self.size);
                40
            }
            Abi::Unstable => {
                // The link count is 32 bits wide, right behind the type.
                let nlink = u32::try_from(self.nlink).unwrap_or(u32::MAX);
                put(16, self.filetype as u64 | u64::from(nlink) << 32);
                put(24, self.size);
                32
            }
        };
        put(times_at, self.atim);
        put(times_at + 8, self.mtim);
        put(times_at + 16, self.ctim);

        let size = Filestat::size_of(abi) as usize;
        mem.write(ptr, &bytes[..size])
    }
}

/// New access and modification times, where they are to change.
pub(crate) struct FileTimes {
    pub accessed: Option<NewTime>,
    pub modified: Option<NewTime>,
}

#[derive(Clone, Copy)]
pub(crate) enum NewTime {
    Now,
    At(SystemTime),
}

impl FileTimes {
    pub fn from_raw(atim: u64, mtim: u64, flags: u16) -> Result<FileTimes, Errno> {
        if flags & !fstflags::ALL != 0 {
            return Err(Errno::Inval);
        }
        let time = |value, given, now| match (flags & given != 0, flags & now != 0) {
            (true, true) => Err(Errno::Inval),
            (true, false) => {
                let moment = UNIX_EPOCH.checked_add(Duration::from_nanos(value));
                moment.map(NewTime::At).map(Some).ok_or(Errno::Overflow)
            }
            (false, true) => Ok(Some(NewTime::Now)),
            (false, false) => Ok(None),
        };
        Ok(FileTimes {
            accessed: time(atim, fstflags::ATIM, fstflags::ATIM_NOW)?,
            modified: time(mtim, fstflags::MTIM, fstflags::MTIM_NOW)?,
        })
    }

    /// For an open file.
    pub fn to_std(&self) -> std::fs::FileTimes {
        let mut times = std::fs::FileTimes::new();
        if let Some(time) = self.accessed {
            times = times.set_accessed(time.moment());
        }
        if let Some(time) = self.modified {
            times = times.set_modified(time.moment());
        }
        times
    }
}

impl NewTime {
    /// For a path.
    pub fn to_spec(self) -> SystemTimeSpec {
        match self {
            NewTime::Now => SystemTimeSpec::SymbolicNow,
            NewTime::At(time) => SystemTimeSpec::Absolute(CapSystemTime::from_std(time)),
        }
    }

    fn moment(self) -> SystemTime {
        match self {
            NewTime::Now => SystemTime::now(),
            NewTime::At(time) => time,
        }
    }
}
