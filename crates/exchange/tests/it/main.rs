//! What holds for documents, as statements about the world.

#[path = "../../../record/tests/it/arbitrary.rs"]
mod arbitrary;
mod csv_documents;
mod json_lines;
mod times;
