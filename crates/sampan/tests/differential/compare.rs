//! One module in all engines.

use crate::outcome::Outcome;
use crate::sampan_engine::{self, Setup};
use crate::shape::Nans;
use crate::wasmi_engine;
use sampan::Mode::{Classic, Fast};
use sampan::Preparation::{Eager, Lazy};

/// What was compared.
#[derive(Debug, Default)]
pub struct Tally {
    pub modules: u64,
    pub returned: u64,
    pub trapped: u64,
    /// Modules that were not compared as wasmi ran out of its fuel or stack.
    pub stopped: u64,
    pub wasmi_panics: u64,
}

/// Runs a module in our modes only: it has what wasmi has not.
///
/// # Errors
/// How two of them differ.
pub fn compare_ours(module: &[u8], tally: &mut Tally) -> Result<(), String> {
    let setups = [
        Setup::new(Fast, Lazy),
        Setup { checks: true, ..Setup::new(Fast, Eager) },
        Setup { collects: true, ..Setup::new(Fast, Lazy) },
        Setup::new(Classic, Lazy),
        Setup { collects: true, ..Setup::new(Classic, Lazy) },
        #[cfg(feature = "jit")]
        Setup::new(sampan::Mode::Jit, Lazy),
        #[cfg(feature = "jit")]
        Setup::tiers_up(module),
    ];
    among(&setups, None, module, tally)
}

/// Runs a module everywhere.
///
/// # Errors
/// How two engines differ.
pub fn compare(module: &[u8], nans: Nans, tally: &mut Tally) -> Result<(), String> {
    let canonical_nans = nans == Nans::Seen;
    let setups = [
        Setup { canonical_nans, ..Setup::new(Fast, Lazy) },
        Setup { canonical_nans, ..Setup::new(Fast, Eager) },
        Setup { canonical_nans, checks: true, ..Setup::new(Fast, Lazy) },
        Setup { canonical_nans: nans != Nans::Native, ..Setup::new(Fast, Lazy) },
        Setup { canonical_nans, ..Setup::new(Classic, Lazy) },
        Setup { canonical_nans, checks: true, ..Setup::new(Classic, Eager) },
        #[cfg(feature = "jit")]
        Setup { canonical_nans, ..Setup::new(sampan::Mode::Jit, Lazy) },
        #[cfg(feature = "jit")]
        Setup { canonical_nans, checks: true, ..Setup::new(sampan::Mode::Jit, Lazy) },
        #[cfg(feature = "jit")]
        Setup { canonical_nans, guarded: false, ..Setup::new(sampan::Mode::Jit, Lazy) },
        #[cfg(feature = "jit")]
        Setup { canonical_nans, ..Setup::tiers_up(module) },
    ];
    // It panics on a few modules; they are still compared among ours.
    let outcome = std::panic::catch_unwind(|| wasmi_engine::run(module)).ok();
    let outcome = outcome.transpose().map_err(|e| format!("wasmi: {e}"))?;
    tally.wasmi_panics += u64::from(outcome.is_none());
    if outcome.as_ref().is_some_and(Outcome::is_stopped) {
        tally.stopped += 1;
        return Ok(());
    }
    // Its NaNs have other bits.
    among(&setups, outcome.filter(|_| nans != Nans::Seen), module, tally)
}

fn among(
    setups: &[Setup],
    mut reference: Option<Outcome>,
    module: &[u8],
    tally: &mut Tally,
) -> Result<(), String> {
    for &setup in setups {
        let outcome = sampan_engine::run(module, setup).map_err(|e| format!("{setup:?}: {e}"))?;
        let Some(reference) = &reference else {
            reference = Some(outcome);
            continue;
        };
        if let Some(difference) = reference.difference(&outcome) {
            return Err(format!("{setup:?}: {difference}"));
        }
    }
    let (returned, trapped) = reference.as_ref().map_or((0, 0), |outcome| outcome.calls());
    tally.modules += 1;
    tally.returned += returned;
    tally.trapped += trapped;
    Ok(())
}
