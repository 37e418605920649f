/** Unmodified Linux x86 programs in a browser tab. */

export { Vm, type Modules, type Start, type VmOptions } from "./vm.js";
