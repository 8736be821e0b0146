//! A small ext4 file system in an image file, mounted through a loop device. Needs root.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::world::say;

/// A mounted image; unmounted when dropped.
pub(crate) struct Image {
    pub(crate) file: PathBuf,
    point: PathBuf,
    mounted: bool,
}

impl Image {
    /// Makes and mounts an empty one; `None`, with the reason printed, where that cannot be done.
    pub(crate) fn make(what: &str, file: PathBuf, mebibytes: u64, point: &Path) -> Option<Self> {
        let id = Command::new("id").arg("-u").output().ok()?;
        if String::from_utf8_lossy(&id.stdout).trim() != "0" {
            say(&format!("{what}: LEFT OUT in part, mounting an image needs root"));
            return None;
        }
        let image = std::fs::File::create(&file).expect("room for an image");
        image.set_len(mebibytes << 20).expect("a sparse file");
        std::fs::create_dir_all(point).expect("a folder");
        let mut image = Self { file, point: point.to_owned(), mounted: false };
        let made = run("mkfs.ext4", &["-q", "-F", &text(&image.file)]).and_then(|()| image.mount());
        if let Err(why) = made {
            say(&format!("{what}: LEFT OUT in part, {why}"));
            return None;
        }
        Some(image)
    }

    /// Mounts it; the journal is replayed by that.
    pub(crate) fn mount(&mut self) -> Result<(), String> {
        run("mount", &["-o", "loop", &text(&self.file), &text(&self.point)])?;
        self.mounted = true;
        Ok(())
    }

    pub(crate) fn unmount(&mut self) {
        run("umount", &[&text(&self.point)]).expect("nobody holds it any more");
        self.mounted = false;
    }

    /// Cuts the power: from now on nothing reaches the image, and what is only in the page cache is lost.
    /// ext4 aborts its journal and refuses to write back; what the device was given stays.
    pub(crate) fn cut_power(&self) {
        run("mount", &["-o", "remount,abort", &text(&self.point)]).expect("ext4 can be aborted");
    }

    /// What the medium holds now, as another image in the same place: the file itself is copied, not what the
    /// mount shows.
    pub(crate) fn replace_by_copy(&mut self, file: PathBuf) {
        run("cp", &["--sparse=always", "--reflink=auto", &text(&self.file), &text(&file)]).expect("copied");
        self.unmount();
        std::fs::remove_file(&self.file).expect("the old image");
        self.file = file;
        self.mount().expect("the journal is replayed");
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        if self.mounted {
            let _ = run("umount", &["-l", &text(&self.point)]);
        }
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    match Command::new(program).args(arguments).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            Err(format!("{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr).trim()))
        }
        Err(error) => Err(format!("{program}: {error}")),
    }
}
