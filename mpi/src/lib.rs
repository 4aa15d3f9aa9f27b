//! Messages of numbers between the processes that `mpirun` started: eight calls of MPI, in C that the cluster's own
//! `mpicc` compiles. Bindings made from `mpi.h` would need libclang, which clusters lack.
#![cfg(feature = "calls")]

use std::sync::{Mutex, MutexGuard, PoisonError};

unsafe extern "C" {
    fn farfield_mpi_start(rank: *mut i32, ranks: *mut i32) -> i32;
    fn farfield_mpi_send(to: i32, numbers: *const f64, count: usize);
    fn farfield_mpi_receive(from: i32, numbers: *mut f64, count: usize);
    fn farfield_mpi_end();
    fn farfield_mpi_abort(code: i32);
}

/// All processes of a job.
#[derive(Debug)]
pub struct World {
    rank: usize,
    ranks: usize,
    calls: Mutex<()>, // one at a time
}

/// Variables that launchers set: mpirun of Open MPI, of MPICH and Intel MPI, and srun.
const LAUNCHED: [&str; 4] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK", "PMI_RANK"];

impl World {
    /// Starts MPI, once; none if no launcher of MPI has started this process.
    ///
    /// # Errors
    /// If MPI cannot be called from more than one thread.
    pub fn start() -> Result<Option<Self>, &'static str> {
        if LAUNCHED.iter().all(|name| std::env::var_os(name).is_none()) {
            return Ok(None);
        }
        let (mut rank, mut ranks) = (0, 0);
        // SAFETY: both point to integers that outlive the call.
        match unsafe { farfield_mpi_start(&mut rank, &mut ranks) } {
            0 => Ok(Some(Self { rank: rank as usize, ranks: ranks as usize, calls: Mutex::new(()) })),
            _ => Err("this MPI cannot be called from threads (MPI_THREAD_SERIALIZED)"),
        }
    }

    /// The number of this process.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// The number of processes.
    pub fn ranks(&self) -> usize {
        self.ranks
    }

    fn call(&self) -> MutexGuard<'_, ()> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends numbers; returns when they may change.
    pub fn send(&self, to: usize, numbers: &[f64]) {
        let _call = self.call();
        // SAFETY: as many numbers as are counted are read during the call.
        unsafe { farfield_mpi_send(to as i32, numbers.as_ptr(), numbers.len()) }
    }

    /// Waits for as many numbers as were sent.
    pub fn receive(&self, from: usize, numbers: &mut [f64]) {
        let _call = self.call();
        // SAFETY: as many numbers as are counted are written during the call.
        unsafe { farfield_mpi_receive(from as i32, numbers.as_mut_ptr(), numbers.len()) }
    }

    /// Ends MPI in this process; false if another thread is in a call.
    pub fn end(&self) -> bool {
        match self.calls.try_lock() {
            Ok(_call) => {
                // SAFETY: nobody is in a call, and nobody calls afterwards: the process ends.
                unsafe { farfield_mpi_end() };
                true
            }
            Err(_) => false,
        }
    }

    /// Ends all processes at once.
    pub fn abort(&self, code: u8) {
        // SAFETY: it does not return to a state that anybody could see.
        unsafe { farfield_mpi_abort(code.into()) }
    }
}
