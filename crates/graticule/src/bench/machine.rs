//! What the machine tells about processes and itself.

use std::fs;

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_setaffinity};
use serde::Serialize;

/// Clock ticks of /proc in a second: fixed for user space on Linux.
const PROC_TICKS_PER_SECOND: u64 = 100;
/// What the loopback interface adds to each packet beyond IP.
const ETHERNET_HEADER_BYTES: u64 = 14;

/// The machine and the build, for the record.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    processor: String,
    cores: usize,
    kernel: String,
    commit: String,
    profile: &'static str,
}

impl Machine {
    pub(crate) fn read() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name"));
        let processor = model.and_then(|line| line.split_once(": ")).map_or("unknown", |(_, name)| name);
        let git = std::process::Command::new("git").args(["describe", "--always", "--dirty"]).output();
        let commit = git.ok().map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        Self {
            processor: processor.to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            commit: commit.filter(|commit| !commit.is_empty()).unwrap_or_else(|| "unknown".to_owned()),
            profile: if cfg!(debug_assertions) { "dev" } else { "release" },
        }
    }
}

impl Machine {
    /// The machine and the build in one sentence.
    pub(crate) fn sentence(&self) -> String {
        let Self { processor, cores, kernel, commit, profile } = self;
        format!("{processor}, {cores} cores, Linux {kernel}; commit {commit}, {profile} build.")
    }
}

/// Binds this process and the threads that it starts from now on to one core, whatever its parent was bound
/// to; false where there is no such core.
pub(crate) fn pin_to_core(core: usize) -> bool {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None::<Pid>, &set).is_ok()
}

/// Processor time that a process has used, the kernel's for it included, in microseconds.
pub(crate) fn cpu_us(process: &str) -> u64 {
    let [user, kernel] = times_us(process);
    user + kernel
}

/// Processor time that a process itself has used, in microseconds.
pub(crate) fn user_us(process: &str) -> u64 {
    times_us(process)[0]
}

fn times_us(process: &str) -> [u64; 2] {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name of the process, in parentheses, may hold blanks.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks =
        |index: usize| fields.split_whitespace().nth(index).and_then(|field| field.parse::<u64>().ok());
    [11, 12].map(|field| ticks(field).unwrap_or(0) * 1_000_000 / PROC_TICKS_PER_SECOND)
}

/// Memory of a process that is in use, in KiB.
pub(crate) fn resident_kib(process: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Bytes of IP packets over the loopback interface so far, each counted once, both directions together.
pub(crate) fn loopback_bytes() -> u64 {
    let table = fs::read_to_string("/proc/net/dev").unwrap_or_default();
    let line = table.lines().find_map(|line| line.trim().strip_prefix("lo:"));
    let fields: Vec<u64> =
        line.into_iter().flat_map(str::split_whitespace).filter_map(|n| n.parse().ok()).collect();
    match fields.as_slice() {
        [bytes, packets, ..] => bytes.saturating_sub(packets * ETHERNET_HEADER_BYTES),
        _ => 0,
    }
}
