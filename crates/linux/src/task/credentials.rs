//! Users, groups and capabilities of a thread (`credentials(7)`, `capabilities(7)`).

use alloc::vec::Vec;

/// All capabilities that there are: 41.
pub const ALL_CAPABILITIES: u64 = (1 << 41) - 1;

/// Capabilities that something here asks for, by their number.
#[allow(missing_docs)]
pub mod cap {
    pub const CHOWN: u32 = 0;
    pub const DAC_OVERRIDE: u32 = 1;
    pub const DAC_READ_SEARCH: u32 = 2;
    pub const FOWNER: u32 = 3;
    pub const FSETID: u32 = 4;
    pub const KILL: u32 = 5;
    pub const SETGID: u32 = 6;
    pub const SETUID: u32 = 7;
    pub const SETPCAP: u32 = 8;
    pub const NET_BIND_SERVICE: u32 = 10;
    pub const NET_ADMIN: u32 = 12;
    pub const IPC_OWNER: u32 = 15;
    pub const SYS_CHROOT: u32 = 18;
    pub const SYS_PTRACE: u32 = 19;
    pub const SYS_ADMIN: u32 = 21;
    pub const SYS_BOOT: u32 = 22;
    pub const SYS_NICE: u32 = 23;
    pub const SYS_RESOURCE: u32 = 24;
    pub const SYS_TIME: u32 = 25;
    pub const MKNOD: u32 = 27;
    pub const SYSLOG: u32 = 34;
}

/// Those that go and come with the user of the file system (`setfsuid(2)`): all about
/// files up to `CAP_FSETID`, `CAP_LINUX_IMMUTABLE`, `CAP_MKNOD`, `CAP_MAC_OVERRIDE`.
const OF_FILES: u64 = 0x1f | 1 << 9 | 1 << cap::MKNOD | 1 << 32;

/// Who a thread acts as.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct Credentials {
    pub uid: u32,
    pub euid: u32,
    pub suid: u32,
    pub fsuid: u32,
    pub gid: u32,
    pub egid: u32,
    pub sgid: u32,
    pub fsgid: u32,
    pub groups: Vec<u32>,
    pub effective: u64,
    pub permitted: u64,
    pub inheritable: u64,
    pub bounding: u64,
    pub ambient: u64,
    /// `PR_SET_SECUREBITS`; bit 4 is `PR_SET_KEEPCAPS`.
    pub securebits: u32,
}

/// `SECBIT_KEEP_CAPS`.
pub const KEEP_CAPS: u32 = 1 << 4;
const NOROOT: u32 = 1;
const NO_SETUID_FIXUP: u32 = 1 << 2;

impl Credentials {
    /// Those of a user; root has all capabilities.
    pub fn new(uid: u32, gid: u32) -> Credentials {
        let all = if uid == 0 { ALL_CAPABILITIES } else { 0 };
        Credentials {
            uid,
            euid: uid,
            suid: uid,
            fsuid: uid,
            gid,
            egid: gid,
            sgid: gid,
            fsgid: gid,
            groups: Vec::new(),
            effective: all,
            permitted: all,
            inheritable: 0,
            bounding: ALL_CAPABILITIES,
            ambient: 0,
            securebits: 0,
        }
    }

    /// Whether a capability is in effect.
    pub fn has(&self, capability: u32) -> bool {
        self.effective >> capability & 1 != 0
    }

    /// Whether a group's permissions hold.
    pub fn in_group(&self, gid: u32) -> bool {
        self.fsgid == gid || self.groups.contains(&gid)
    }

    /// What of capabilities changes when users did (`capabilities(7)`, "Effect of user ID
    /// changes"); `old` is how it was before.
    pub fn users_changed(&mut self, old: &Credentials) {
        if self.securebits & NO_SETUID_FIXUP != 0 {
            return;
        }
        let was_root = [old.uid, old.euid, old.suid].contains(&0);
        if was_root && ![self.uid, self.euid, self.suid].contains(&0) {
            if self.securebits & KEEP_CAPS == 0 {
                self.permitted = 0;
                self.effective = 0;
            }
            self.ambient = 0;
        }
        match (old.euid, self.euid) {
            (0, 1..) => self.effective = 0,
            (1.., 0) => self.effective = self.permitted,
            _ => {}
        }
        self.file_user_changed(old);
    }

    /// The same for the user of the file system alone.
    pub fn file_user_changed(&mut self, old: &Credentials) {
        match (old.fsuid, self.fsuid) {
            (0, 1..) => self.effective &= !OF_FILES,
            (1.., 0) => self.effective |= self.permitted & OF_FILES,
            _ => {}
        }
    }

    /// What a new program begins with, users and groups being set: root gets everything,
    /// others keep what is ambient (`capabilities(7)`, "Transformation during execve").
    pub fn executed(&mut self, changed_users: bool) {
        let root = self.securebits & NOROOT == 0;
        if changed_users {
            self.ambient = 0;
        }
        let gained = match root && (self.euid == 0 || self.uid == 0) {
            true => self.inheritable | self.bounding,
            false => self.ambient,
        };
        self.permitted = gained;
        self.effective = if root && self.euid == 0 { gained } else { self.ambient };
        self.securebits &= !KEEP_CAPS;
    }

    /// As they count for `access(2)`: the real user and group instead of the effective ones.
    pub fn real(&self) -> Credentials {
        let mut real = self.clone();
        (real.fsuid, real.fsgid) = (self.uid, self.gid);
        real.effective = if self.uid == 0 { self.permitted } else { 0 };
        real
    }
}
