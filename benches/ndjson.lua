-- A thousand events a request, one a line.
dofile("benches/post.lua")
local lines = {}
for n = 1, 1000 do
    lines[n] = string.format('{"page":"/home","event":"click","label":"n%d","target":"#buy","section":"header",' ..
        '"param":{"price":12.5,"position":%d}}', n, n)
end
wrk.body = table.concat(lines, "\n")
wrk.headers["Content-Type"] = "application/x-ndjson"
