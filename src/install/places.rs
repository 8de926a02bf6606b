//! Where a machine keeps things; data alone, so that each system's paths can be asked for on any other.

use std::path::{Path, PathBuf};

/// A kind of operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Os {
    /// Linux and other Unix systems.
    Linux,
    /// macOS.
    Mac,
    /// Windows.
    Windows,
}

impl Os {
    /// The one that this program was built for.
    pub const fn here() -> Self {
        if cfg!(windows) {
            Self::Windows
        } else if cfg!(target_os = "macos") {
            Self::Mac
        } else {
            Self::Linux
        }
    }
}

/// Folders of one person on one machine.
#[derive(Clone, Debug)]
pub struct Places {
    /// The system.
    pub os: Os,
    /// Home folder.
    pub home: PathBuf,
    /// `XDG_CONFIG_HOME`, where it is set.
    pub xdg_config: Option<PathBuf>,
    /// `APPDATA`, where it is set.
    pub appdata: Option<PathBuf>,
    /// `CODEX_HOME`, where it is set.
    pub codex_home: Option<PathBuf>,
    /// Folder of the project, for entries of a project.
    pub project: PathBuf,
}

impl Places {
    /// `~/.config` or what stands for it, on every system.
    pub(super) fn config(&self) -> PathBuf {
        self.xdg_config.clone().unwrap_or_else(|| self.home.join(".config"))
    }

    /// Where programs with a window keep their settings.
    pub(super) fn app_data(&self) -> PathBuf {
        match self.os {
            Os::Linux => self.config(),
            Os::Mac => self.home.join("Library").join("Application Support"),
            Os::Windows => self.roaming(),
        }
    }

    pub(super) fn roaming(&self) -> PathBuf {
        self.appdata.clone().unwrap_or_else(|| self.home.join("AppData").join("Roaming"))
    }

    pub(super) fn in_home(&self, parts: &[&str]) -> PathBuf {
        join(&self.home, parts)
    }

    pub(super) fn in_project(&self, parts: &[&str]) -> PathBuf {
        join(&self.project, parts)
    }
}

pub(super) fn join(base: &Path, parts: &[&str]) -> PathBuf {
    parts.iter().fold(base.to_owned(), |path, part| path.join(part))
}
