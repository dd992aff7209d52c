//! Threads that zones borrow for the parts of a tick that are independent of each other.

use rayon::ThreadPool;
use rayon::iter::{IntoParallelRefMutIterator as _, ParallelIterator as _};
use sim::workers::{Alone, Workers};

/// The threads of a host, shared by its zones; none on a host with few cores, where each zone's own thread does
/// all.
#[derive(Debug, Default)]
pub struct Pool(Option<ThreadPool>);

impl Pool {
    /// A pool of so many threads; 0 and 1 are none.
    pub fn new(threads: usize) -> std::io::Result<Self> {
        if threads <= 1 {
            return Ok(Self(None));
        }
        let name = |number: usize| format!("zone-worker-{number}");
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(name).build();
        pool.map(|pool| Self(Some(pool))).map_err(std::io::Error::other)
    }
}

impl Workers for Pool {
    fn width(&self) -> usize {
        self.0.as_ref().map_or(1, ThreadPool::current_num_threads)
    }

    fn for_each<J: Send>(&self, jobs: &mut [J], run: impl Fn(&mut J) + Send + Sync) {
        match &self.0 {
            Some(pool) => pool.install(|| jobs.par_iter_mut().for_each(run)),
            None => Alone.for_each(jobs, run),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_is_done_once() {
        for threads in [0, 3] {
            let pool = Pool::new(threads).expect("threads");
            assert_eq!(pool.width(), threads.max(1));
            let mut jobs: Vec<u32> = (0..100).collect();
            pool.for_each(&mut jobs, |job| *job += 1_000);
            assert!(jobs.iter().zip(1_000..).all(|(job, expected)| *job == expected));
        }
    }
}
