//! The processes of one run under `mpirun` (feature `mpi`): rank 0 runs the command, the others hold their columns of X
//! and do what it asks ([`farfield::data::slabs`]).
//!
//! ```text
//! rank 0                                   the others
//! check the configuration, claim the folder   read the arguments, wait
//! START with the configuration's digest  ──▶  read or draw the slab
//!                                        ◀──  0, or the error in words
//! K, W(0), w̄, rows, steps …              ◀─▶  descent::serve
//! END with the exit code                 ──▶  end with it
//! ```
//!
//! Rank 0 alone listens to signals, writes files and speaks. A process that dies takes the job along: `mpirun` ends the rest.

use crate::config::{Config, Source};
use crate::error::{Error, Result, input_error};
use crate::files::{labels, npy};
use crate::memory;
use crate::setup::{self, Samples};
use crate::streamed;
use farfield::data::slabs::{self, Link, Slab, Slabs};
use farfield::descent;
use farfield::{Data, Watch};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// The link to the other processes, where there are some.
static LINK: OnceLock<Arc<dyn Link>> = OnceLock::new();

/// Whether the others wait for an order, and can be told to end.
static ORDERLY: AtomicBool = AtomicBool::new(true);

/// Asks for a slab; [`END`] is the order that [`descent::serve`] knows, too.
const START: f64 = 64.0;
const END: f64 = 0.0;

/// Makes these the processes of this run; to be called once, before anything else is done.
pub fn connect(link: Arc<dyn Link>) {
    if link.ranks() > 1 {
        // The first call counts, and it is the only one.
        let _ = LINK.set(link);
    }
}

/// The link to the other processes; none where this one is alone.
pub fn link() -> Option<&'static Arc<dyn Link>> {
    LINK.get()
}

/// Whether this is one of the others.
pub fn helps() -> bool {
    link().is_some_and(|link| link.rank() > 0)
}

/// Tells the others to end with this code; whether they were waiting for an order.
pub fn dismiss(code: u8) -> bool {
    let Some(link) = link().filter(|link| link.rank() == 0) else { return true };
    let orderly = ORDERLY.load(Ordering::SeqCst);
    if orderly {
        (1..link.ranks()).for_each(|rank| link.send(rank, &[END, code.into()]));
    }
    orderly
}

/// What the others do, with the configuration or what is wrong with it; the exit code.
pub fn help(config: Result<Config>) -> u8 {
    let Some(link) = link() else { return 0 };
    let mut order = [0.0; 2];
    link.receive(0, &mut order);
    if order[0] != START {
        return order[1] as u8;
    }
    let slab = config.and_then(|config| match mark(&config) == order[1] {
        true => slab(&config, link, &Watch::default()),
        false => Err(input_error!("rank {} was started with another configuration", link.rank())),
    });
    match slab {
        Ok(slab) => {
            link.send(0, &[0.0]);
            descent::serve(&slab) as u8
        }
        Err(error) => {
            let text = error.to_string();
            link.send(0, &[text.len() as f64]);
            link.send(0, &text.bytes().map(f64::from).collect::<Vec<f64>>());
            link.receive(0, &mut order);
            order[1] as u8
        }
    }
}

/// The samples that a configuration names, shared out.
///
/// # Errors
/// As [`setup::samples`], wherever it happens; what needs all columns at once.
pub fn samples(config: &Config, link: &Arc<dyn Link>, watch: &Watch) -> Result<Samples> {
    let width = config.network.width as usize;
    ORDERLY.store(false, Ordering::SeqCst);
    (1..link.ranks()).for_each(|rank| link.send(rank, &[START, mark(config)]));
    let own = slab(config, link, watch);
    let mut errors: Vec<Error> = (1..link.ranks()).filter_map(|rank| answer(&**link, rank)).collect();
    // Those that have a slab wait for an order, and so do those that have none.
    ORDERLY.store(true, Ordering::SeqCst);
    let own = own?;
    if !errors.is_empty() {
        return Err(errors.swap_remove(0));
    }
    ORDERLY.store(false, Ordering::SeqCst); // an end within K finds the others at work
    let samples = match &config.data.source {
        Source::File(path) => {
            let (n, d) = npy::shape(&crate::config::paths::decode(path))?;
            let slabs = Slabs::new(own, memory::fits(n, d, width, 8.0).is_ok());
            let file = config.data.label_file().ok_or_else(|| input_error!("under mpirun data.labels is a file"))?;
            let (labels, notes) =
                labels::read(&file, "data.labels", n, &*config.data.positive_class, config.data.header)?;
            Samples { data: Data::shared(slabs, labels.y, watch)?, classes: Some(labels.classes), notes }
        }
        Source::Mixture => {
            let (mixture, draw) = (setup::mixture(config)?, setup::drawing(config));
            let (n, d) = (config.data.n as usize, config.data.d as usize);
            let slabs = Slabs::new(own, memory::fits(n, d, width, 8.0).is_ok());
            let data = setup::labelled(Data::draw_shared(slabs, mixture, &draw, watch)?, config)?;
            Samples { data, classes: None, notes: Vec::new() }
        }
    };
    ORDERLY.store(true, Ordering::SeqCst);
    Ok(samples)
}

/// What a rank says of its slab: nothing, or an error.
fn answer(link: &dyn Link, rank: usize) -> Option<Error> {
    let mut length = [0.0];
    link.receive(rank, &mut length);
    if length[0] == 0.0 {
        return None;
    }
    let mut text = vec![0.0; length[0] as usize];
    link.receive(rank, &mut text);
    let text: Vec<u8> = text.iter().map(|byte| *byte as u8).collect();
    Some(input_error!("rank {rank}: {}", String::from_utf8_lossy(&text)))
}

/// A number that tells configurations apart.
fn mark(config: &Config) -> f64 {
    let digest = blake3::hash(config.to_toml().as_bytes());
    digest.as_bytes()[..6].iter().fold(0.0, |mark, byte| 256.0 * mark + f64::from(*byte))
}

/// The columns of this rank.
fn slab(config: &Config, link: &Arc<dyn Link>, watch: &Watch) -> Result<Slab> {
    let width = config.network.width as usize;
    let columns = |d| slabs::columns_of(link.rank(), link.ranks(), d);
    let Source::File(path) = &config.data.source else {
        let (n, d) = (config.data.n as usize, config.data.d as usize);
        memory::fits(n, columns(d).len(), width, 8.0)?;
        let (mixture, draw) = (setup::mixture(config)?, setup::drawing(config));
        return Ok(slabs::draw(link.clone(), &mixture, &draw, watch)?);
    };
    streamed::whole_columns(config, "of samples that are shared out under mpirun")?;
    let path = crate::config::paths::decode(path);
    let (n, d) = npy::shape(&path)?;
    memory::fits(n, columns(d).len(), width, 8.0)?;
    Ok(Slab::new(link.clone(), npy::columns(&path, columns(d))?, d)?)
}
