//! Prints the saved verifying page for a trust root: `cargo run -p ore-web --example saved -- consortium.toml`.
fn main() -> std::io::Result<()> {
    let path = std::env::args().nth(1).unwrap_or_default();
    println!("{}", ore_web::saved_verifier(ore_web::Language::English, &std::fs::read_to_string(path)?));
    Ok(())
}
