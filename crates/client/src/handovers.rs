//! Following the changes of the validators, from the trust root that the caller has to those of today.

use std::sync::{Arc, PoisonError};

use ore_verify::{Handover, TrustRoot, follow, handover::MAX_HANDOVERS};
use ore_wire::v1;

use crate::{ClientError, Ledger};

impl Ledger {
    /// The files that show each change of the validators since the trust root; each was followed, so each is true.
    ///
    /// # Errors
    /// [`ClientError::Verification`] names the first that does not follow from those before.
    pub async fn handovers(&self) -> Result<Vec<Handover>, ClientError> {
        let mut handovers = self.fetch_handovers().await?;
        let roots = follow_where_it_begins(self.trust(), &mut handovers)?;
        *self.roots.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(roots);
        Ok(handovers)
    }

    async fn fetch_handovers(&self) -> Result<Vec<Handover>, ClientError> {
        let mut handovers = Vec::new();
        let mut after_height = 0;
        // Each page is later than the one before, and there are at most so many.
        while handovers.len() <= MAX_HANDOVERS {
            let request = v1::ListHandoversRequest { after_height };
            let answer = match self.consortium_service().list_handovers(request).await {
                Ok(answer) => answer.into_inner().handovers,
                // A node of an earlier version has none.
                Err(status) if status.code() == tonic::Code::Unimplemented => break,
                Err(status) => return Err(self.status(&status)),
            };
            let last = answer.last().map(|last| last.from_height);
            let Some(last) = last.filter(|last| *last > after_height) else { break };
            after_height = last;
            for file in answer {
                let handover = Handover::parse(&file.file);
                handovers.push(handover.map_err(|error| ClientError::verification("handover", error))?);
            }
        }
        Ok(handovers)
    }

    /// The trust root that the caller has, then that of each later set of validators that was shown so far.
    pub fn roots(&self) -> Arc<Vec<TrustRoot>> {
        self.roots.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// That of the newest set of validators that was shown so far.
    pub(crate) fn newest_root(&self) -> TrustRoot {
        self.roots().last().unwrap_or_else(|| self.trust()).clone()
    }

    /// Checks with the newest root first, then with the earlier ones; if none will do, asks for what has changed since.
    pub(crate) async fn by_any_root<T>(
        &self,
        check: impl Fn(&TrustRoot) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let roots = self.roots();
        let error = match first_that(&roots, &check) {
            Ok(checked) => return Ok(checked),
            Err(error) => error,
        };
        self.handovers().await?;
        let now = self.roots();
        if now.len() == roots.len() { Err(error) } else { first_that(&now, &check) }
    }
}

/// A trust root that is younger than genesis has no use for the changes before it: they are dropped, and not believed.
/// Where none follows, the trust root is all there is.
fn follow_where_it_begins(
    trust: &TrustRoot,
    handovers: &mut Vec<Handover>,
) -> Result<Vec<TrustRoot>, ClientError> {
    // Each turn drops one.
    loop {
        match follow(trust, handovers) {
            Ok(roots) => return Ok(roots),
            Err(fault) if fault.number == 1 => drop(handovers.remove(0)),
            Err(fault) => return Err(ClientError::verification("handover", fault)),
        }
    }
}

/// What the newest root that passes gives, or what was wrong by the newest of all.
fn first_that<T>(
    roots: &[TrustRoot],
    check: impl Fn(&TrustRoot) -> Result<T, ClientError>,
) -> Result<T, ClientError> {
    let mut newest = None;
    for root in roots.iter().rev() {
        match check(root) {
            Ok(checked) => return Ok(checked),
            Err(error) => newest = newest.or(Some(error)),
        }
    }
    Err(newest.unwrap_or_else(|| ClientError::verification("trust root", "there is none")))
}
