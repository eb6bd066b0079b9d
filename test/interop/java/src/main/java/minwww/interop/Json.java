package minwww.interop;

/** One JSON object per line on standard output; values are strings, numbers or booleans. */
final class Json {
    private Json() {}

    static void print(Object... pairs) {
        StringBuilder line = new StringBuilder("{");
        for (int i = 0; i + 1 < pairs.length; i += 2) {
            if (i > 0) line.append(',');
            line.append(quote(pairs[i].toString())).append(':');
            Object value = pairs[i + 1];
            line.append(value instanceof Number || value instanceof Boolean ? value.toString() : quote(String.valueOf(value)));
        }
        synchronized (Json.class) {
            System.out.println(line.append('}'));
            System.out.flush();
        }
    }

    private static String quote(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') quoted.append('\\').append(c);
            else if (c < 0x20) quoted.append(String.format("\\u%04x", (int) c));
            else quoted.append(c);
        }
        return quoted.append('"').toString();
    }
}
