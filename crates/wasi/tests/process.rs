//! Arguments, environment, clocks, randomness, ending, and the table itself.

mod common;

use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use common::Guest;
use sampan_wasi::{
    Abi, ClockId, Clocks, DirPerms, Errno, Error, Halt, ValType, WasiCtx, functions,
};

#[test]
fn the_table_has_every_function() {
    let names = |abi| {
        let names: HashSet<_> = functions(abi).iter().map(|f| f.name).collect();
        assert_eq!(names.len(), functions(abi).len(), "no name twice");
        names
    };
    let (new, old) = (names(Abi::Preview1), names(Abi::Unstable));
    assert_eq!(new.len(), 46);
    let only_new: Vec<_> = new.difference(&old).collect();
    assert_eq!(only_new, [&"sock_accept"]);
    assert_eq!(old.len(), 45);

    for abi in Abi::ALL {
        assert_eq!(Abi::from_module_name(abi.module_name()), Some(abi));
        for function in functions(abi) {
            assert_eq!(function.has_result, function.name != "proc_exit");
        }
    }
    let seek = functions(Abi::Preview1).iter().find(|f| f.name == "fd_seek");
    let (i32, i64) = (ValType::I32, ValType::I64);
    assert_eq!(seek.unwrap().params, [i32, i64, i32, i32]);
}

#[test]
fn the_context_can_move_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<WasiCtx>();
}

#[test]
fn arguments_and_environment_are_laid_out_as_in_c() {
    let mut builder = WasiCtx::builder();
    builder.arg("prog").args(["", "-x=ü"]).env("HOME", "/").envs([("A", ""), ("HOME", "/home")]);
    let mut guest = Guest::new(builder.build().unwrap());

    guest.ok("args_sizes_get", &[0, 4]);
    assert_eq!((guest.u32(0), guest.u32(4)), (3, 5 + 1 + 6));
    guest.ok("args_get", &[64, 128]);
    assert_eq!(guest.bytes(128, 12), "prog\0\0-x=ü\0".as_bytes());
    assert_eq!([64, 68, 72].map(|ptr| guest.u32(ptr)), [128, 133, 134]);

    guest.ok("environ_sizes_get", &[0, 4]);
    assert_eq!((guest.u32(0), guest.u32(4)), (2, 11 + 3));
    guest.ok("environ_get", &[64, 128]);
    assert_eq!(guest.bytes(128, 14), b"HOME=/home\0A=\0");
    assert_eq!([64, 68].map(|ptr| guest.u32(ptr)), [128, 139]);

    let end = guest.mem.len() as u64;
    assert_eq!(guest.call("args_get", &[64, end - 4]), Errno::Fault);
    assert_eq!(guest.call("args_sizes_get", &[0, end]), Errno::Fault);
}

#[test]
fn what_cannot_be_given_is_refused_by_the_builder() {
    let zero = WasiCtx::builder().arg("a\0b").build();
    assert!(matches!(zero, Err(Error::ZeroByte(_))));
    let name = WasiCtx::builder().env("A=B", "").build();
    assert!(matches!(name, Err(Error::VariableName(_))));
    let missing =
        WasiCtx::builder().preopened_dir("/no/such/place", "/", DirPerms::ReadOnly).build();
    let message = missing.unwrap_err().to_string();
    assert!(message.contains("/no/such/place"), "{message}");
    let few = WasiCtx::builder().max_fds(2).build();
    assert!(matches!(few, Err(Error::TooManyDescriptors)));
}

#[test]
fn clocks_follow_the_host() {
    let mut guest = Guest::new(WasiCtx::builder().build().unwrap());
    guest.ok("clock_time_get", &[0, 1, 0]);
    let host = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    assert!(host.as_nanos() as u64 - guest.u64(0) < 1_000_000_000);

    guest.ok("clock_time_get", &[1, 0, 0]);
    guest.ok("clock_time_get", &[1, 0, 8]);
    assert!(guest.u64(0) <= guest.u64(8));
    for clock in 0..4 {
        let errno = guest.call("clock_res_get", &[clock, 0]);
        if cfg!(unix) || clock < 2 {
            assert_eq!(errno, Errno::Success);
            assert!((1..1_000_000_000).contains(&guest.u64(0)));
            guest.ok("clock_time_get", &[clock, 0, 0]);
        } else {
            assert_eq!(errno, Errno::NotSup);
        }
    }
    assert_eq!(guest.call("clock_time_get", &[4, 0, 0]), Errno::Inval);
    assert_eq!(guest.call("clock_res_get", &[4, 0]), Errno::Inval);
    assert_eq!(guest.call("clock_time_get", &[0, 0, u64::from(u32::MAX)]), Errno::Fault);
}

#[test]
fn clocks_and_randomness_can_be_replaced() {
    struct Still;
    impl Clocks for Still {
        fn now(&mut self, clock: ClockId) -> Option<u64> {
            (clock == ClockId::Realtime).then_some(42)
        }
    }
    let mut builder = WasiCtx::builder();
    builder.clocks(Still).random(|bytes| bytes.fill(7));
    let mut guest = Guest::new(builder.build().unwrap());
    guest.ok("clock_time_get", &[0, 0, 0]);
    assert_eq!(guest.u64(0), 42);
    assert_eq!(guest.call("clock_time_get", &[1, 0, 0]), Errno::NotSup);
    guest.ok("random_get", &[8, 4]);
    assert_eq!(guest.bytes(8, 5), [7, 7, 7, 7, 0]);
}

#[test]
fn random_bytes_stay_in_bounds() {
    let mut guest = Guest::new(WasiCtx::builder().build().unwrap());
    guest.ok("random_get", &[0, 256]);
    assert!(guest.bytes(0, 256).iter().collect::<HashSet<_>>().len() > 64);
    assert_eq!(guest.bytes(256, 64), [0; 64]);
    let len = guest.mem.len() as u64;
    guest.ok("random_get", &[len, 0]);
    assert_eq!(guest.call("random_get", &[len - 1, 2]), Errno::Fault);
    assert_eq!(guest.call("random_get", &[0, 0xFFFF_FFFF]), Errno::Fault);
}

#[test]
fn a_guest_ends_itself() {
    let mut guest = Guest::new(WasiCtx::builder().build().unwrap());
    assert_eq!(guest.try_call("proc_exit", &[0]), Err(Halt::Exit(0)));
    // The upper half of an argument of 32 bits is not looked at.
    assert_eq!(guest.try_call("proc_exit", &[0xFF_0000_0003]), Err(Halt::Exit(3)));
    assert_eq!(guest.try_call("proc_raise", &[6]), Err(Halt::Raise(6)));
    guest.ok("proc_raise", &[0]);
    assert_eq!(guest.call("proc_raise", &[31]), Errno::Inval);
    guest.ok("sched_yield", &[]);
}
