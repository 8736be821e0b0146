//! Capture jobs: what was posted, what became of it, and what a restart has to finish.
//!
//! A job's document waits in a file until the job ends, and its outcome is a file afterwards, so a promise that
//! was made with 202 outlives the process. At most [`MOST_JOBS`] outcomes are kept.

use std::{
    collections::VecDeque,
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use axum::http::StatusCode;
use ore_epcis::Instant;
use serde_json::{Value, json};

use super::{
    intake::{Behaviour, News, Outcome, Tally},
    problem::Exception,
};
use crate::{failure::Failure, verbs::sign::now_ms};

/// Jobs that are remembered.
const MOST_JOBS: usize = 1_000;
/// Errors, and things not stated, that a job names.
const MOST_ERRORS: usize = 100;
/// Jobs that a list shows.
pub(super) const MOST_LISTED: usize = 100;

/// A document on its way in.
#[derive(Clone, Debug)]
struct Job {
    id: String,
    created_ms: u64,
    behaviour: Behaviour,
    success: bool,
    errors: Vec<Value>,
    not_stated: Vec<String>,
}

impl Job {
    fn json(&self, ended: Option<(u64, &Tally)>) -> Value {
        let time = |ms: u64| Instant::from_ms(i64::try_from(ms).unwrap_or(i64::MAX)).utc();
        let mut job = json!({
            "captureID": self.id,
            "createdAt": time(self.created_ms),
            "running": ended.is_none(),
            "success": self.success,
            "captureErrorBehaviour": word(self.behaviour),
            "errors": self.errors,
            "notStated": self.not_stated,
        });
        if let Some((finished_ms, tally)) = ended {
            let more = json!({
                "finishedAt": time(finished_ms),
                "events": tally.events, "recorded": tally.recorded, "recordedBefore": tally.before,
                "refused": tally.refused, "takenBack": tally.taken_back, "leftInTheLedger": tally.left,
            });
            if let (Some(job), Value::Object(more)) = (job.as_object_mut(), more) {
                job.extend(more);
            }
        }
        job
    }

    fn error(&mut self, what: Exception, status: StatusCode, title: &str, detail: &str, instance: &str) {
        if self.errors.len() < MOST_ERRORS {
            let mut error = what.details(status, title, detail);
            error["instance"] = instance.into();
            self.errors.push(error);
        }
    }
}

/// A word of `GS1-Capture-Error-Behaviour`.
pub(super) const fn word(behaviour: Behaviour) -> &'static str {
    match behaviour {
        Behaviour::Rollback => "rollback",
        Behaviour::Proceed => "proceed",
    }
}

/// A job that waits for its turn.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(super) id: String,
    pub(super) behaviour: Behaviour,
}

/// The jobs of a gateway, in a folder of their own.
pub(super) struct Jobs {
    folder: PathBuf,
    open: Mutex<VecDeque<Job>>,
}

impl Jobs {
    /// Takes up a folder: the jobs that were not finished, oldest first; outcomes beyond the newest go.
    pub(super) fn open(folder: &Path) -> Result<(Self, Vec<Waiting>), Failure> {
        let failed = |e: std::io::Error| Failure::file("read", folder, &e);
        fs::create_dir_all(folder).map_err(|e| Failure::file("create", folder, &e))?;
        let jobs = Self { folder: folder.to_owned(), open: Mutex::default() };
        let (mut waiting, mut outcomes) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(folder).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
            match name.split('.').collect::<Vec<_>>()[..] {
                [id, "json"] => outcomes.push(id.to_owned()),
                [id, "rollback"] => {
                    waiting.push(Waiting { id: id.to_owned(), behaviour: Behaviour::Rollback })
                }
                [id, "proceed"] => waiting.push(Waiting { id: id.to_owned(), behaviour: Behaviour::Proceed }),
                // A body that did not come whole, and nobody was told that it had.
                [_, "part"] => drop(fs::remove_file(folder.join(&name))),
                _ => {}
            }
        }
        waiting.sort_by(|one, other| one.id.cmp(&other.id));
        let unfinished = waiting.iter().map(|one| Self::job(one.id.clone(), one.behaviour));
        jobs.open.lock().unwrap_or_else(PoisonError::into_inner).extend(unfinished);
        outcomes.sort();
        let beyond = outcomes.len().saturating_sub(MOST_JOBS);
        outcomes[..beyond].iter().for_each(|id| drop(fs::remove_file(jobs.outcome(id))));
        Ok((jobs, waiting))
    }

    fn with<T>(&self, id: &str, with: impl FnOnce(&mut Job) -> T) -> Option<T> {
        let mut jobs = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.iter_mut().find(|job| job.id == id).map(with)
    }

    fn job(id: String, behaviour: Behaviour) -> Job {
        let created_ms = id.strip_prefix('c').and_then(|ms| ms.parse().ok()).unwrap_or_default();
        Job { id, created_ms, behaviour, success: true, errors: Vec::new(), not_stated: Vec::new() }
    }

    /// A new job's name: the time; two in one millisecond differ by one.
    pub(super) fn begin(&self, behaviour: Behaviour) -> String {
        // Held throughout, so that no two get one name.
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut created_ms = now_ms();
        let id = loop {
            let id = format!("c{created_ms}");
            if !self.outcome(&id).exists() && open.iter().all(|job| job.id != id) {
                break id;
            }
            created_ms += 1;
        };
        open.push_back(Self::job(id.clone(), behaviour));
        id
    }

    /// A job that never was: its document did not come, or there was no room.
    pub(super) fn forget(&self, id: &str) {
        let behaviour = self.with(id, |job| job.behaviour);
        self.open.lock().unwrap_or_else(PoisonError::into_inner).retain(|job| job.id != id);
        let _ = fs::remove_file(self.part(id));
        if let Some(behaviour) = behaviour {
            let _ = fs::remove_file(self.document(id, behaviour));
        }
    }

    /// Where a body is written while it comes.
    pub(super) fn part(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.part"))
    }

    /// Where the document waits: its name says what becomes of it.
    pub(super) fn document(&self, id: &str, behaviour: Behaviour) -> PathBuf {
        self.folder.join(format!("{id}.{}", word(behaviour)))
    }

    fn outcome(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }

    /// A job is tried again from its beginning: what was told of it is told anew.
    pub(super) fn again(&self, id: &str) {
        self.with(id, |job| {
            job.success = true;
            job.errors.clear();
            job.not_stated.clear();
        });
    }

    /// What became of an event.
    pub(super) fn note(&self, id: &str, news: News) {
        let place = news.event.map_or_else(String::new, |event| format!("/epcisBody/eventList/{event}"));
        self.with(id, |job| match news.outcome {
            Outcome::Recorded { .. } | Outcome::TakenBack { .. } => {}
            Outcome::Lacks(what) => {
                if job.not_stated.len() < MOST_ERRORS {
                    job.not_stated.push(format!("{place}: {what}"));
                }
            }
            Outcome::Unjudged { reason } => {
                let (what, detail) = (Exception::Validation, format!("from here on: {reason}"));
                job.error(what, what.status(), "not judged", &detail, &place);
            }
            Outcome::Refused { what, field, reason, clause, next } => {
                job.success = false;
                let title = if clause.is_empty() { "refused by the ledger" } else { clause.as_str() };
                let field = if field.is_empty() { field } else { format!("{field}: ") };
                job.error(what, what.status(), title, &format!("{field}{reason}; {next}"), &place);
            }
            Outcome::Left { id, reason, next } => {
                let detail = format!("record {id} cannot be taken back: {reason}; {next}");
                let (what, status) = (Exception::Implementation, StatusCode::CONFLICT);
                job.error(what, status, "stays in the ledger", &detail, &place);
            }
        });
    }

    /// A job's end. Its outcome is on the disk before its document goes.
    pub(super) fn end(&self, id: &str, tally: &Tally, trouble: Option<&Failure>) -> Result<(), Failure> {
        let ended = self.with(id, |job| {
            job.success &= trouble.is_none() && tally.refused == 0;
            if let Some(trouble) = trouble {
                let what = Exception::Implementation;
                job.error(what, what.status(), &trouble.message, &trouble.hint, "");
            }
            (job.json(Some((now_ms(), tally))), job.behaviour)
        });
        let Some((outcome, behaviour)) = ended else { return Ok(()) };
        let path = self.outcome(id);
        let part = self.part(id);
        let write = || {
            let mut file = fs::File::create(&part)?;
            file.write_all(outcome.to_string().as_bytes())?;
            file.sync_data()?;
            fs::rename(&part, &path)
        };
        write().map_err(|e| Failure::file("write", &path, &e))?;
        self.open.lock().unwrap_or_else(PoisonError::into_inner).retain(|job| job.id != id);
        // The intake has kept the document under its digest.
        let _ = fs::remove_file(self.document(id, behaviour));
        Ok(())
    }

    /// What is known of a job.
    pub(super) fn look(&self, id: &str) -> Option<Value> {
        if let Some(running) = self.with(id, |job| job.json(None)) {
            return Some(running);
        }
        let named = id.strip_prefix('c').is_some_and(|ms| ms.bytes().all(|byte| byte.is_ascii_digit()));
        let text = named.then(|| fs::read_to_string(self.outcome(id)).ok()).flatten()?;
        serde_json::from_str(&text).ok()
    }

    /// Names of all jobs, the newest first.
    pub(super) fn names(&self) -> Vec<String> {
        let jobs = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<String> = jobs.iter().map(|job| job.id.clone()).collect();
        drop(jobs);
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            names.extend(name.strip_suffix(".json").map(str::to_owned));
        }
        // Names are times of equal length.
        names.sort_unstable_by(|one, other| other.cmp(one));
        names.dedup();
        names
    }
}

#[cfg(test)]
mod tests {
    use super::{Behaviour, Jobs, MOST_JOBS, Tally};

    #[test]
    fn what_was_promised_is_taken_up_again_and_outcomes_stay() {
        let folder = tempfile::tempdir().expect("a folder");
        let (jobs, waiting) = Jobs::open(folder.path()).expect("opens");
        assert!(waiting.is_empty());
        let (ended, torn, open) =
            (jobs.begin(Behaviour::Proceed), jobs.begin(Behaviour::Proceed), jobs.begin(Behaviour::Rollback));
        std::fs::write(jobs.part(&torn), "half").expect("written");
        std::fs::write(jobs.document(&open, Behaviour::Rollback), "{}").expect("written");
        let tally = Tally { events: 3, recorded: 3, ..Tally::default() };
        jobs.end(&ended, &tally, None).expect("written");
        assert_eq!(jobs.look(&open).map(|job| job["running"].clone()), Some(true.into()));

        let (again, waiting) = Jobs::open(folder.path()).expect("opens");
        assert_eq!(waiting.len(), 1);
        assert_eq!((waiting[0].id.as_str(), waiting[0].behaviour), (open.as_str(), Behaviour::Rollback));
        assert_eq!(again.look(&torn), None);
        let outcome = again.look(&ended).expect("is remembered");
        assert_eq!((&outcome["success"], &outcome["recorded"]), (&true.into(), &3.into()));
        assert_eq!(again.names(), [open.clone(), ended.clone()]);
        assert_eq!(again.look("c1/../../x"), None);

        again.end(&open, &tally, None).expect("written");
        for at in 0..MOST_JOBS {
            std::fs::write(folder.path().join(format!("c9{at:012}.json")), "{}").expect("written");
        }
        let (last, waiting) = Jobs::open(folder.path()).expect("opens");
        assert!(waiting.is_empty() && last.look(&ended).is_none() && last.names().len() == MOST_JOBS);
    }
}
