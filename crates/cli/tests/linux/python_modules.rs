//! Tests of Python's own about what the system gives it: they pass in the sandbox, on i386.
//!
//! Those that end within seconds. Interpreted: most of their code runs once.

use super::debian::Debian;

/// Runs tests of a module, with arguments for Python's runner.
#[track_caller]
fn passes(module: &str, arguments: &[&str]) {
    if !Debian::I386.is_compared() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary directory");
    let program = [&["python3", "-m", "test", module], arguments].concat();
    let seen = Debian::I386.inside("interpreter", folder.path(), &program, "");
    let passed = seen.stdout.contains("Tests result: SUCCESS") && seen.code == Some(0);
    assert!(passed, "{}", seen.stdout);
}

#[test]
fn posix() {
    passes("test_posix", &[]);
}

#[test]
fn signal() {
    passes("test_signal", &["-m", "PosixTests", "-m", "PidfdSignalTest"]);
}

#[test]
fn select() {
    passes("test_select", &[]);
}

/// But for mappings of more than 2 GB: pages of a file count as memory once it is mapped.
#[test]
fn mmap() {
    passes("test_mmap", &["-i", "LargeMmapTests"]);
}

#[test]
fn structures() {
    passes("test_struct", &["-i", "test_integers"]);
}

#[test]
fn float() {
    passes("test_float", &[]);
}

#[test]
fn os() {
    let classes = [
        "FileTests",
        "StatAttributeTests",
        "UtimeTests",
        "EnvironTests",
        "WalkTests",
        "MakedirTests",
        "PidTests",
        "SpawnTests",
        "TestSendfile",
        "ExtendedAttributeTests",
        "MemfdCreateTests",
        "EventfdTests",
        "TestScandir",
        "PtyTests",
    ];
    passes("test_os", &classes.map(|class| ["-m", class]).concat());
}

#[test]
fn threading() {
    let classes = [
        "LockTests",
        "PyRLockTests",
        "CRLockTests",
        "EventTests",
        "ConditionTests",
        "SemaphoreTests",
        "BarrierTests",
        "TimerTests",
        "ThreadingExceptionTests",
    ];
    passes("test_threading", &classes.map(|class| ["-m", class]).concat());
}

#[test]
fn subprocess() {
    let classes = ["RunFuncTestCase", "ContextManagerTests", "CommandTests", "CommandsWithSpaces"];
    passes("test_subprocess", &classes.map(|class| ["-m", class]).concat());
}
