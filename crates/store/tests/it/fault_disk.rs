//! A disk that fails where the test wants it to, and that forgets what was never synced.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use ore_store::{Disk, DiskFile, RealDisk, disk::Access};

/// Whether the operation takes effect before it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Before,
    After,
}

/// What the operation answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Broken,
    Full,
}

impl Answer {
    fn error(self) -> io::Error {
        match self {
            Self::Broken => io::Error::other("the disk is broken"),
            Self::Full => io::Error::from(io::ErrorKind::StorageFull),
        }
    }
}

/// Which operation fails, once.
#[derive(Clone, Debug)]
pub struct Plan {
    pub label: String,
    pub nth: u64,
    pub when: When,
    pub answer: Answer,
}

#[derive(Debug, Default)]
struct State {
    root: PathBuf,
    plan: Option<Plan>,
    /// From this operation on everything fails: the power is cut.
    cut_at: Option<u64>,
    operations: u64,
    counts: BTreeMap<String, u64>,
    fired: bool,
    /// Files by number; contents as of their last sync.
    synced: BTreeMap<u64, Vec<u8>>,
    /// Present names, and names as of the last sync of their folder.
    names: BTreeMap<PathBuf, u64>,
    durable: BTreeMap<PathBuf, u64>,
    next: u64,
    /// sled's folder when its file was last synced.
    view: Option<BTreeMap<PathBuf, Vec<u8>>>,
}

impl State {
    /// Counts an operation; says whether it fails, and when.
    fn enter(&mut self, what: &str, path: &Path) -> Option<(When, Answer)> {
        self.operations += 1;
        if self.cut_at.is_some_and(|cut| self.operations >= cut) {
            return Some((When::Before, Answer::Broken));
        }
        let label = format!("{what} {}", kind_of(path.strip_prefix(&self.root).unwrap_or(path)));
        let count = self.counts.entry(label.clone()).or_default();
        *count += 1;
        let plan = self.plan.as_ref()?;
        if !self.fired && plan.label == label && plan.nth == *count {
            self.fired = true;
            return Some((plan.when, plan.answer));
        }
        None
    }

    fn number(&mut self, path: &Path) -> u64 {
        if let Some(number) = self.names.get(path) {
            return *number;
        }
        // A file from before this disk was made: what is there is durable.
        self.next += 1;
        let number = self.next;
        self.names.insert(path.to_owned(), number);
        if let Ok(content) = fs::read(path) {
            self.durable.insert(path.to_owned(), number);
            self.synced.insert(number, content);
        }
        number
    }
}

/// Files of one kind fail alike: segments are one kind.
fn kind_of(path: &Path) -> String {
    let text = path.to_string_lossy();
    match path.extension().and_then(|e| e.to_str()) {
        Some("seg") => "segment".into(),
        Some("new") if text.starts_with("log/") => "new segment".into(),
        _ => text.into_owned(),
    }
}

/// Wraps the real disk.
#[derive(Clone, Debug)]
pub struct FaultDisk(Arc<Mutex<State>>);

impl FaultDisk {
    pub fn new(root: &Path) -> Self {
        Self(Arc::new(Mutex::new(State { root: root.to_owned(), ..State::default() })))
    }

    pub fn plan(root: &Path, plan: Plan) -> Self {
        let disk = Self::new(root);
        disk.0.lock().expect("unpoisoned").plan = Some(plan);
        disk
    }

    pub fn cut(root: &Path, operation: u64) -> Self {
        let disk = Self::new(root);
        disk.0.lock().expect("unpoisoned").cut_at = Some(operation);
        disk
    }

    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.0.lock().expect("unpoisoned").counts.clone()
    }

    pub fn operations(&self) -> u64 {
        self.0.lock().expect("unpoisoned").operations
    }

    pub fn fired(&self) -> bool {
        self.0.lock().expect("unpoisoned").fired
    }

    /// What a power cut leaves: durable names with synced contents; sled's folder as it was last synced, or, when
    /// `ahead`, as it is now: the kernel may have written any of it.
    pub fn image(&self, to: &Path, ahead: bool) {
        let state = self.0.lock().expect("unpoisoned");
        let at = |path: &Path| to.join(path.strip_prefix(&state.root).expect("below the root"));
        for (path, number) in &state.durable {
            if path.starts_with(state.root.join("view")) {
                continue;
            }
            let target = at(path);
            fs::create_dir_all(target.parent().expect("has a folder")).expect("creates");
            fs::write(target, state.synced.get(number).cloned().unwrap_or_default()).expect("writes");
        }
        let view = match ahead {
            true => Some(read_folder(&state.root.join("view"))),
            false => state.view.clone(),
        };
        for (path, content) in view.unwrap_or_default() {
            let target = at(&path);
            fs::create_dir_all(target.parent().expect("has a folder")).expect("creates");
            fs::write(target, content).expect("writes");
        }
        fs::create_dir_all(to.join("log")).expect("creates");
    }
}

fn read_folder(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else if let Ok(content) = fs::read(entry.path()) {
                found.insert(entry.path(), content);
            }
        }
    }
    found
}

#[derive(Debug)]
struct FaultFile {
    disk: FaultDisk,
    path: PathBuf,
    number: u64,
    file: Arc<dyn DiskFile>,
}

impl FaultDisk {
    fn run<T>(&self, what: &str, path: &Path, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let fate = self.0.lock().expect("unpoisoned").enter(what, path);
        match fate {
            None => work(),
            Some((When::Before, answer)) => Err(answer.error()),
            Some((When::After, answer)) => {
                let _ = work();
                Err(answer.error())
            }
        }
    }
}

impl Disk for FaultDisk {
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        let work = || {
            let mut state = self.0.lock().expect("unpoisoned");
            let file = RealDisk.open(path, access)?;
            if access == Access::Create {
                // Emptied in place when the name exists; else a new file whose name is not durable yet.
                if !state.names.contains_key(path) {
                    state.next += 1;
                    let number = state.next;
                    state.names.insert(path.to_owned(), number);
                }
            }
            let number = state.number(path);
            Ok(Arc::new(FaultFile { disk: self.clone(), path: path.to_owned(), number, file })
                as Arc<dyn DiskFile>)
        };
        match access {
            Access::Create => self.run("create", path, work),
            _ => work(),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.run("rename", to, || {
            let mut state = self.0.lock().expect("unpoisoned");
            RealDisk.rename(from, to)?;
            if let Some(number) = state.names.remove(from) {
                state.names.insert(to.to_owned(), number);
            }
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.run("remove", path, || {
            let mut state = self.0.lock().expect("unpoisoned");
            state.names.remove(path);
            RealDisk.remove(path)
        })
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.run("create folder", path, || RealDisk.create_dir(path))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.run("sync folder", path, || {
            let mut state = self.0.lock().expect("unpoisoned");
            let inside = |name: &PathBuf| name.parent() == Some(path);
            let now: Vec<_> =
                state.names.iter().filter(|(name, _)| inside(name)).map(|(n, i)| (n.clone(), *i)).collect();
            state.durable.retain(|name, _| !inside(name));
            state.durable.extend(now);
            RealDisk.sync_dir(path)
        })
    }
}

impl DiskFile for FaultFile {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_at(into, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let fate = self.disk.0.lock().expect("unpoisoned").enter("write", &self.path);
        match fate {
            None => self.file.write_at(bytes, offset),
            Some((When::Before, answer)) => {
                // The worst that "before" can mean: half of it is there.
                let _ = self.file.write_at(&bytes[..bytes.len() / 2], offset);
                Err(answer.error())
            }
            Some((When::After, answer)) => {
                let _ = self.file.write_at(bytes, offset);
                Err(answer.error())
            }
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.run("sync", &self.path, || {
            self.file.sync_data()?;
            let mut state = self.disk.0.lock().expect("unpoisoned");
            let size = self.file.size()?;
            let mut content = vec![0; size as usize];
            self.file.read_at(&mut content, 0)?;
            state.synced.insert(self.number, content);
            if self.path == state.root.join("view/db") {
                let view = read_folder(&state.root.join("view"));
                state.view = Some(view);
            }
            Ok(())
        })
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.disk.run("cut", &self.path, || self.file.set_len(bytes))
    }

    fn allocate(&self, offset: u64, bytes: u64) -> io::Result<()> {
        self.disk.run("allocate", &self.path, || self.file.allocate(offset, bytes))
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }
}
