//! The memory of this process.

use std::fs;

/// Counts the largest size of this process from here on. Memory that it had freed and kept before does
/// not count when it is used again.
#[derive(Debug)]
pub struct PeakMemory {
    before: u64,
}

impl PeakMemory {
    /// Starts to count; `None` where the system doesn't tell, which Linux does.
    pub fn start() -> Option<Self> {
        // 5 resets the mark: proc(5), `clear_refs`.
        fs::write("/proc/self/clear_refs", "5").ok()?;
        Some(Self { before: bytes("VmRSS:")? })
    }

    /// By how many bytes the process was larger at most.
    pub fn growth(self) -> Option<u64> {
        Some(bytes("VmHWM:")?.saturating_sub(self.before))
    }
}

fn bytes(field: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}
