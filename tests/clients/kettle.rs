//! A Rust program that crashes on demand, watched by Crashpad's own handler through `kettle.c`.

use std::ffi::CString;

extern "C" {
    fn watch(folder: *mut i8, address: *mut i8, handler: *mut i8);
}

#[inline(never)]
fn steep(cups: &[u32], at: usize) -> u32 {
    cups[at] // steep
}

#[inline(never)]
fn pour(at: usize) -> u32 {
    unsafe { *(at as *const u32) } // pour
}

#[inline(never)]
fn brim(depth: usize) -> usize {
    let room = std::hint::black_box([depth; 64]);
    brim(depth + 1) + room[depth % 64] // brim
}

#[inline(never)]
fn decant(litres: usize) -> Vec<u8> {
    vec![1; litres] // decant
}

fn main() {
    let words: Vec<CString> = std::env::args().skip(1).map(|word| CString::new(word).unwrap()).collect();
    unsafe {
        watch(words[1].as_ptr() as *mut i8, words[2].as_ptr() as *mut i8, words[3].as_ptr() as *mut i8);
    }
    let many = words.len();
    let told = match words[0].to_str().unwrap() {
        "steep" => steep(&[1, 2, 3], many + 9),
        "brim" => brim(many) as u32,
        "decant" => decant(isize::MAX as usize - many).len() as u32,
        _ => pour(many - 4),
    };
    println!("{told}");
}
