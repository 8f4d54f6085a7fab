// The types of the hooks that the console uses.
type Effect = () => void | (() => void);
export function useState<T>(initial: T | (() => T)): [T, (next: T | ((now: T) => T)) => void];
export function useEffect(effect: Effect, keys?: unknown[]): void;
export function useLayoutEffect(effect: Effect, keys?: unknown[]): void;
export function useRef<T>(initial: T): { current: T };
export function useMemo<T>(make: () => T, keys: unknown[]): T;
export function useCallback<T>(callback: T, keys: unknown[]): T;
export function useContext<T>(context: { Provider: any }): T;
export function useId(): string;
