/** What one may try first: a list, whose choice is typed into the terminal. */

import { element } from "./elements.js";

const EXAMPLES: readonly (readonly [string, string])[] = [
  ["What is here", "uname -a; ls --color /; df -h /\n"],
  ["Python", "python3 -c 'print(sum(i * i for i in range(1000)))'\n"],
  ["A program in C", "printf '#include <stdio.h>\\nint main(void) { puts(\"hello\"); }\\n' > hello.c && gcc hello.c -o hello && ./hello\n"],
  ["An editor", "vim -c startinsert notes.txt\n"],
  ["A web server on port 8000", "python3 -m http.server 8000 &\n"],
  ["Perl", "perl -e 'print join(\" \", map { $_ ** 2 } 1 .. 10), \"\\n\"'\n"],
  ["What runs", "ps aux\n"],
];

export function offerExamples(type: (text: string) => void): void {
  const select = element("examples", HTMLSelectElement);
  for (const [name, text] of EXAMPLES) select.add(new Option(name, text));
  select.addEventListener("change", () => {
    if (select.value !== "") type(select.value);
    select.selectedIndex = 0;
  });
}
