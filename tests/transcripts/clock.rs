//! The clock of this test program stands at the time of the recording: OpenMLS asks the system for the time, and
//! would call the recorded key packages expired 84 days later.
//!
//! What the standard library calls for the time is a function of the C library, and a function of the same name in
//! the program itself takes its place. On Linux alone; elsewhere transcripts are replayed as far as the date allows.

/// Whether the clock stands.
pub(crate) const STANDS: bool = cfg!(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
));

/// 2026-11-22 04:30:00 UTC in seconds since the Unix epoch, half an hour after the last recording.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
const RECORDED: i64 = 1_795_321_800;

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod interposed {
    use std::ffi::{c_int, c_long};

    /// `struct timespec` of 64-bit Linux.
    #[repr(C)]
    struct Timespec {
        seconds: i64,
        nanoseconds: c_long,
    }

    const REALTIME: c_int = 0;
    #[cfg(target_arch = "x86_64")]
    const CLOCK_GETTIME: c_long = 228;
    #[cfg(target_arch = "aarch64")]
    const CLOCK_GETTIME: c_long = 113;

    unsafe extern "C" {
        fn syscall(number: c_long, ...) -> c_long;
    }

    // SAFETY: the name and the signature are those of the C library's function, whose contract is kept: `time` is
    // written as it would write it, and every other clock is asked of the kernel.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn clock_gettime(clock: c_int, time: *mut Timespec) -> c_int {
        if clock == REALTIME {
            let recorded = Timespec {
                seconds: super::RECORDED,
                nanoseconds: 0,
            };
            // SAFETY: callers pass a valid, writable `timespec`.
            unsafe { time.write(recorded) };
            return 0;
        }
        // SAFETY: the system call of this number takes these two arguments, passed on as they came.
        let answer = unsafe { syscall(CLOCK_GETTIME, c_long::from(clock), time) };
        c_int::try_from(answer).unwrap_or(-1)
    }
}

#[test]
fn the_clock_stands_at_the_time_of_the_recording() {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("after 1970");
    assert_eq!(now.as_secs() == 1_795_321_800, STANDS);
    let start = std::time::Instant::now();
    std::thread::yield_now();
    assert!(
        start.elapsed() < std::time::Duration::from_secs(60),
        "other clocks go on"
    );
}
