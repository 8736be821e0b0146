//! How a command ends when it does not succeed: one kind, one message, one next step.
//!
//! The kind is the exit code; scripts rely on it. The hint is never empty.

use std::fmt::Display;
use std::process::ExitCode;

/// Exit codes, in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The ledger refused, or does not know what was asked for.
    Refused,
    /// The command line, a file or a setting is wrong.
    Usage,
    /// A proof or a stored byte does not verify.
    Verification,
    /// No answer from the ledger.
    Unreachable,
}

impl Kind {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Refused => 1,
            Self::Usage => 2,
            Self::Verification => 3,
            Self::Unreachable => 4,
        }
    }
}

/// Why a command did not do what was asked, and what to do about it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    pub(crate) message: String,
    pub(crate) hint: String,
}

impl Failure {
    pub(crate) fn new(kind: Kind, message: impl Display, hint: impl Display) -> Self {
        Self { kind, message: message.to_string(), hint: hint.to_string() }
    }

    pub(crate) fn refused(message: impl Display, hint: impl Display) -> Self {
        Self::new(Kind::Refused, message, hint)
    }

    pub(crate) fn usage(message: impl Display, hint: impl Display) -> Self {
        Self::new(Kind::Usage, message, hint)
    }

    pub(crate) fn verification(message: impl Display, hint: impl Display) -> Self {
        Self::new(Kind::Verification, message, hint)
    }

    pub(crate) fn unreachable(message: impl Display, hint: impl Display) -> Self {
        Self::new(Kind::Unreachable, message, hint)
    }

    /// A file that could not be read or written.
    pub(crate) fn file(doing: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        let hint = match error.kind() {
            std::io::ErrorKind::NotFound => "check the path; relative paths start at the current folder",
            std::io::ErrorKind::PermissionDenied => "check who owns the file and its folder",
            std::io::ErrorKind::StorageFull => "free some space and run the command again",
            _ => "check the file and its folder, then run the command again",
        };
        Self::usage(format_args!("{doing} {}: {error}", path.display()), hint)
    }

    /// Writes message and hint to stderr and says how the process ends.
    pub(crate) fn report(&self) -> ExitCode {
        eprintln!("error: {}", self.message);
        eprintln!("hint: {}", self.hint);
        ExitCode::from(self.kind.code())
    }
}

/// What every verb returns.
pub(crate) type Outcome = Result<(), Failure>;
