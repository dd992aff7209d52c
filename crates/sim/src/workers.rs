//! How the work of a tick that has independent parts is done: by the caller's thread, or by those that a host
//! lends.

/// Does independent jobs, in any order and on any thread, and returns when all are done.
pub trait Workers {
    /// How many jobs can run at the same time.
    fn width(&self) -> usize;

    /// Calls `run` once for each job.
    fn for_each<J: Send>(&self, jobs: &mut [J], run: impl Fn(&mut J) + Send + Sync);
}

/// The caller's thread.
#[derive(Debug, Clone, Copy, Default)]
pub struct Alone;

impl Workers for Alone {
    fn width(&self) -> usize {
        1
    }

    fn for_each<J: Send>(&self, jobs: &mut [J], run: impl Fn(&mut J) + Send + Sync) {
        for job in jobs {
            run(job);
        }
    }
}
