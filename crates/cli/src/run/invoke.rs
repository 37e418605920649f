//! `--invoke`: arguments from text, results to text.

use crate::report;
use sampan::{Error, ExternRef, Func, Result, Store, V128, Val, ValType};
use std::ffi::OsString;
use std::fmt::Write;

/// Calls a function with arguments in text and prints its results, each on a line.
pub fn invoke<T: 'static>(store: &mut Store<T>, func: Func, args: &[OsString]) -> Result<()> {
    let ty = func.ty(&*store);
    if args.len() != ty.params().len() {
        let (wanted, given) = (ty.params().len(), args.len());
        return Err(Error::new(format!(
            "the function is of type {ty} and takes {wanted} arguments, but {given} were given"
        )));
    }
    let mut params = Vec::with_capacity(args.len());
    for (text, &ty) in args.iter().zip(ty.params()) {
        let value = text.to_str().and_then(|text| parse(store, ty, text));
        params.push(value.ok_or_else(|| Error::new(format!("argument {text:?} is no {ty}")))?);
    }
    let mut results = vec![Val::I32(0); ty.results().len()];
    func.call(&mut *store, &params, &mut results)?;
    let mut text = String::new();
    for &result in &results {
        line(&mut text, store, result);
    }
    report::print(text.as_bytes());
    Ok(())
}

/// A value of a type: decimal or, with 0x, hexadecimal; of either sign.
fn parse<T: 'static>(store: &mut Store<T>, ty: ValType, text: &str) -> Option<Val> {
    Some(match ty {
        ValType::I32 => {
            let value = integer(text)?;
            let fits = (i128::from(i32::MIN)..=i128::from(u32::MAX)).contains(&value);
            Val::I32(fits.then_some(value as i32)?)
        }
        ValType::I64 => {
            let value = integer(text)?;
            let fits = (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&value);
            Val::I64(fits.then_some(value as i64)?)
        }
        ValType::F32 => text.parse::<f32>().ok()?.into(),
        ValType::F64 => text.parse::<f64>().ok()?.into(),
        ValType::V128 => V128::from(match text.strip_prefix("0x") {
            Some(digits) => u128::from_str_radix(digits, 16).ok()?,
            None => text.parse().ok()?,
        })
        .into(),
        ValType::Ref(ty) if text == "null" => Val::null(ty.heap())?,
        ValType::EXTERNREF => ExternRef::new(store, text.to_owned()).ok()?.into(),
        ValType::Ref(_) => return None,
    })
}

fn integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let value = match digits.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok()?,
        None => digits.parse::<u64>().ok()?,
    };
    Some(if negative { -i128::from(value) } else { value.into() })
}

fn line<T: 'static>(text: &mut String, store: &Store<T>, value: Val) {
    let written = match value {
        Val::I32(value) => writeln!(text, "{value}"),
        Val::I64(value) => writeln!(text, "{value}"),
        Val::F32(bits) => writeln!(text, "{}", f32::from_bits(bits)),
        Val::F64(bits) => writeln!(text, "{}", f64::from_bits(bits)),
        Val::V128(vector) => writeln!(text, "0x{:032x}", vector.as_u128()),
        Val::FuncRef(Some(func)) => writeln!(text, "function {}", func.ty(store)),
        Val::ExternRef(Some(object)) => {
            match object.data(store).and_then(|object| object.downcast_ref::<String>()) {
                Some(given) => writeln!(text, "{given}"),
                None => writeln!(text, "externref"),
            }
        }
        _ => writeln!(text, "null"),
    };
    written.expect("strings take everything");
}
