//! The functions, each said once.

/// A function that modules may import from `env`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// The number of its parameters, which all are i32.
    pub params: u8,
    /// Its result.
    pub result: Option<Width>,
    pub(crate) id: Id,
}

/// The type of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// i32
    W32,
    /// i64
    W64,
}

/// The function with a name.
pub fn find(name: &str) -> Option<Function> {
    // One text takes less than as many pointers to parts of it.
    let mut names = NAMES.as_bytes().split(|&byte| byte == b' ');
    ROWS.get(names.position(|it| it == name.as_bytes())?).copied()
}

macro_rules! functions {
    ($($id:ident $name:literal $params:literal $result:expr;)*) => {
        /// What the body of a function is; two names may have the same.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Id {
            $($id,)*
        }

        /// All functions with their names.
        pub const FUNCTIONS: &[(&str, Function)] = &[$(($name, function(Id::$id)),)*];

        /// The names, a space behind each, in the order of the rows.
        static NAMES: &str = concat!($($name, " "),*);
        static ROWS: [Function; ALL.len()] = ALL;
        const ALL: [Function; [$(Id::$id),*].len()] =
            [$(Function { params: $params, result: $result, id: Id::$id }),*];
    };
}

const fn function(id: Id) -> Function {
    ALL[id as usize]
}

const I: Option<Width> = Some(Width::W32);
const L: Option<Width> = Some(Width::W64);

functions! {
    Printf "printf" 2 I;
    Vprintf "vprintf" 2 I;
    Sprintf "sprintf" 3 I;
    Vsprintf "vsprintf" 3 I;
    Snprintf "snprintf" 4 I;
    Vsnprintf "vsnprintf" 4 I;
    Puts "puts" 1 I;
    Putchar "putchar" 1 I;
    Memcmp "memcmp" 3 I;
    Memcpy "memcpy" 3 I;
    Memmove "memmove" 3 I;
    MemcpyBig "emscripten_memcpy_big" 3 I;
    Memset "memset" 3 I;
    Memchr "memchr" 3 I;
    Strchr "strchr" 2 I;
    Strcmp "strcmp" 2 I;
    Strcpy "strcpy" 2 I;
    Strlen "strlen" 1 I;
    Strncmp "strncmp" 3 I;
    Strncasecmp "strncasecmp" 3 I;
    Strncpy "strncpy" 3 I;
    Strspn "strspn" 2 I;
    Strcspn "strcspn" 2 I;
    Strstr "strstr" 2 I;
    Malloc "malloc" 1 I;
    Realloc "realloc" 2 I;
    Calloc "calloc" 2 I;
    Free "free" 1 None;
    Strdup "strdup" 1 I;
    UnderscoreStrdup "_strdup" 1 I;
    Atoi "atoi" 1 I;
    Strtol "strtol" 3 I;
    Strtoul "strtoul" 3 I;
    IsUpper "isupper" 1 I;
    IsAlpha "isalpha" 1 I;
    IsSpace "isspace" 1 I;
    IsGraph "isgraph" 1 I;
    IsPrint "isprint" 1 I;
    IsDigit "isdigit" 1 I;
    IsXdigit "isxdigit" 1 I;
    IsAlnum "isalnum" 1 I;
    ToLower "tolower" 1 I;
    ToUpper "toupper" 1 I;
    Exit "exit" 1 None;
    Abort "abort" 1 None;
    StackOverflow "abortStackOverflow" 1 None;
    NullFunc "nullFunc_X" 1 None;
    CxaAllocate "__cxa_allocate_exception" 1 I;
    CxaBeginCatch "__cxa_begin_catch" 1 None;
    CxaThrow "__cxa_throw" 3 None;
    ClockGettime "clock_gettime" 2 I;
    Clock "clock" 0 L;
}
