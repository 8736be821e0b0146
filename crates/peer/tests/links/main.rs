//! Links between nodes: who gets one, what it carries, and what a slow or hostile peer can do.

mod carry;
mod refuse;
mod world;
